import type { Requester } from "@upstash/redis";
// This entry point takes what it needs as arguments. The package's main one reads VERCEL, AWS_REGION and others from
// the environment, also with telemetry off, and so fails where Deno's --allow-env names only our own variables.
import { errors, Redis } from "@upstash/redis/cloudflare";
import { type Answer, codeOf, createExchangeTransport } from "./exchange_transport.ts";
import { NoAnswer } from "./no_answer.ts";
import type { RedisTransport } from "./transport.ts";

export interface UpstashTransportOptions {
  /** `UPSTASH_REDIS_REST_URL` */
  readonly url: string;
  /** `UPSTASH_REDIS_REST_TOKEN` */
  readonly token: string;
  /** How long one round trip may take, the body included. Default 2000. */
  readonly deadlineMs?: number;
}

/** The transport over Upstash's REST API. Sends every command exactly once. */
export function createUpstashTransport(
  { url, token, deadlineMs = 2000 }: UpstashTransportOptions,
): RedisTransport {
  const { requester } = new TunedRedis({
    url,
    token,
    // One attempt. Not `retry: false`, which in 1.39.0 still means two: its loop counts from 0 to 1 inclusive. A
    // command that went unanswered may have been carried out, and only its caller knows whether to repeat it.
    retry: { retries: 0 },
    // The form as a function: an aborted plain signal would be made into an answer with status 200.
    signal: () => AbortSignal.timeout(deadlineMs),
    // Base64 costs a third more bytes and a loop over each, and loses a byte order mark; ours is all UTF-8.
    responseEncoding: false,
    // "007" and "true" are texts here.
    automaticDeserialization: false,
    enableAutoPipelining: false,
    enableTelemetry: false,
  });

  return createExchangeTransport({
    async send(commands) {
      const [only] = commands;
      const single = only !== undefined && commands.length === 1;
      try {
        return single
          ? [readAnswer(await requester.request({ body: only }))]
          : readAnswers(await requester.request({ path: ["pipeline"], body: commands }), commands);
      } catch (error) {
        const reply = errorReplyOf(error);
        if (reply !== null) return commands.map(() => ({ error: reply }));
        throw error instanceof NoAnswer ? error : new NoAnswer(safeReason(error, deadlineMs));
      }
    },
    async close() {
      // Nothing of its own: `fetch` keeps the connections.
    },
  });
}

/** Opens the way to the package's HTTP client, which it does not export, and so to pipelines of plain commands. */
class TunedRedis extends Redis {
  get requester(): Requester {
    return this.client;
  }
}

function readAnswer(untrustedBody: unknown): Answer {
  if (typeof untrustedBody === "object" && untrustedBody !== null) {
    if ("error" in untrustedBody && typeof untrustedBody.error === "string") {
      return { error: untrustedBody.error };
    }
    if ("result" in untrustedBody) return { result: untrustedBody.result };
  }
  throw new NoAnswer("the answer has neither result nor error");
}

function readAnswers(untrustedBody: unknown, commands: readonly unknown[]): readonly Answer[] {
  if (!Array.isArray(untrustedBody) || untrustedBody.length !== commands.length) {
    throw new NoAnswer(`the answer is not an array of ${commands.length}`);
  }
  return untrustedBody.map(readAnswer);
}

/** Redis's error reply, which the client throws with the whole command behind it; null for every other failure. */
function errorReplyOf(error: unknown): string | null {
  if (!(error instanceof errors.UpstashError)) return null;
  const [text = ""] = error.message.split(", command was: ", 1);
  // An answer of a proxy on the way has no code of Redis at its beginning.
  return codeOf(text) === null ? null : text;
}

function safeReason(error: unknown, deadlineMs: number): string {
  if (error instanceof errors.UpstashJSONParseError) return "the answer is not JSON";
  if (error instanceof errors.UpstashError) return "the request was refused";
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return `no answer within ${deadlineMs} ms`;
  }
  return "the connection failed";
}
