import { Buffer } from "node:buffer";
import type { Context } from "hono";
import { NoAnswer } from "../../services/store/redis/no_answer.ts";
import type { RespLink } from "../../services/store/redis/resp_link.ts";
import type { SimulatorEnv } from "../kit/request_log.ts";
import { toJsonItem, toResp2 } from "./answers.ts";
import { type Batch, type Command, readCommandRequest } from "./command_request.ts";
import { type Format, isAuthorized, readFormat } from "./request_headers.ts";
import { type Replies, runCommands } from "./run_commands.ts";

type CommandContext = Context<SimulatorEnv>;

export interface CommandHandlerOptions {
  readonly link: RespLink;
  readonly token: string;
  /** Sees the commands of a request before they run. */
  readonly onCommands: (commands: readonly Command[]) => void;
}

const UNAUTHORIZED = "WRONGPASS invalid or missing auth token. " +
  "See https://upstash.com/docs/redis/troubleshooting/http_unauthorized for details.";

/** The handler of every path: authorize, read, run, answer. */
export function answerCommands({ link, token, onCommands }: CommandHandlerOptions) {
  let answers = 0;
  return async function answerCommand(c: CommandContext): Promise<Response> {
    const { method, path: target, headers, bytes } = c.get("recorded");
    if (!["HEAD", "GET", "POST", "PUT"].includes(method)) return c.body(null, 405);
    if (!isAuthorized(target, headers, token)) return c.json({ error: UNAUTHORIZED }, 401);
    const format = readFormat(headers);
    if ("error" in format) return c.json(format, 400);
    const request = readCommandRequest(target, bytes);
    if ("error" in request) return c.json(request, 400);
    onCommands(request.commands);
    try {
      const replies = await runCommands(link, request.batch, request.commands);
      // Everything goes to one Redis, so that every read sees every write; the client only wants to see it move.
      c.header("upstash-sync-token", (++answers).toString(32));
      return render(c, request.batch, replies, format);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      // No code of Redis stands first: nobody shall take it for an error reply.
      return c.json({ error: `Redis did not answer: ${error.message}` }, 503);
    }
  };
}

function render(c: CommandContext, batch: Batch, replies: Replies, format: Format): Response {
  if (replies instanceof Error) return c.json({ error: replies.message }, 400);
  const [first = null] = replies;
  const status = batch === "single" && first instanceof Error ? 400 : 200;
  // The documentation has transactions answered in JSON whatever the format asked for.
  if (format.kind === "resp2" && batch !== "transaction") {
    c.header("content-type", "application/octet-stream");
    return c.body(new Uint8Array(Buffer.concat(replies.map(toResp2))), status);
  }
  const encoding = format.kind === "json" ? format.encoding : "text";
  return batch === "single"
    ? c.json(toJsonItem(first, encoding), status)
    : c.json(replies.map((reply) => toJsonItem(reply, encoding)), status);
}
