import { errors, Redis, type Requester } from "@upstash/redis";
import { StoreUnavailable } from "../../errors.ts";
import { NoAnswer } from "./no_answer.ts";
import { RedisReplyError, type RedisTransport } from "./transport.ts";

/** What became of one command: its reply, or the whole text of its error reply. */
export type Answer = { readonly result: unknown } | { readonly error: string };

/** One way to reach a Redis. */
export interface Wire {
  /**
   * One round trip: sends the commands once, gives one answer to each, in their order.
   *
   * @throws NoAnswer when there is not an answer to each
   */
  exchange(commands: readonly (readonly string[])[]): Promise<readonly Answer[]>;
  close(): Promise<void>;
}

/** The transport: Upstash's client class over a wire of ours, with errors that tell nothing of the commands. */
export function createClientTransport(wire: Wire): RedisTransport {
  let closed = false;

  async function exchange(commands: readonly (readonly string[])[]): Promise<readonly Answer[]> {
    if (closed) throw new NoAnswer("the transport was closed");
    return await wire.exchange(commands);
  }

  const redis = new PlainRedis(requesterOver(exchange));

  return {
    async script({ name, sha, text }, keys, args) {
      const asked = { command: "EVALSHA", script: name };
      const known = redis.evalsha(sha, [...keys], [...args]).catch((error) => {
        if (codeOf(replyTextOf(error)) !== "NOSCRIPT") throw error;
        // Redis forgets scripts when it restarts. One that it does not know it has not run: this repeats nothing.
        return redis.eval(text, [...keys], [...args]);
      });
      return await withoutValues(asked, known);
    },

    async pipeline(commands) {
      if (commands.length === 0) return [];
      const asked = { command: nameOfAll(commands), script: null };
      // The client's own pipeline knows only the commands that it has methods for.
      const answers = await withoutValues(asked, exchange(commands));
      return answers.map((answer, i) => {
        if (!("error" in answer)) return answer.result;
        throw refusalOf({ command: nameOf(commands[i]), script: null }, answer.error);
      });
    },

    async close() {
      closed = true;
      await wire.close();
    },
  };
}

/**
 * The client without its conversions. It takes options only together with an HTTP client of its own, so the one that
 * a Requester needs too is set here: otherwise "007" would stay a text and "7" become a number.
 */
class PlainRedis extends Redis {
  protected override opts = { automaticDeserialization: false };
}

function requesterOver(exchange: Wire["exchange"]): Requester {
  return {
    async request<TResult>({ body }: { readonly body?: unknown }) {
      const words = Array.isArray(body) ? body.map(String) : [];
      const [answer] = await exchange([words]);
      // What the reply is only the asker knows.
      return answer as { result?: TResult; error?: string };
    },
  };
}

/** What was asked for, as far as errors may tell it. */
interface Asked {
  readonly command: string;
  readonly script: string | null;
}

function nameOfAll(commands: readonly (readonly string[])[]): string {
  return commands.length === 1 ? nameOf(commands[0]) : `a pipeline of ${commands.length}`;
}

function nameOf(command: readonly string[] = []): string {
  return (command[0] ?? "nothing").toUpperCase();
}

/** Turns every failure into one that is safe to log. */
async function withoutValues<T>(asked: Asked, reply: Promise<T>): Promise<T> {
  try {
    return await reply;
  } catch (error) {
    const text = replyTextOf(error);
    throw text === null ? unavailable(asked, safeCause(error)) : refusalOf(asked, text);
  }
}

function unavailable({ command, script }: Asked, cause: Error): StoreUnavailable {
  return new StoreUnavailable(`run ${script === null ? command : `script ${script}`}`, { cause });
}

/** The client throws the text of an error reply in a class of its own. */
function replyTextOf(error: unknown): string | null {
  return error instanceof errors.UpstashError ? error.message : null;
}

/** The code that stands first in an error reply. */
function codeOf(replyText: string | null): string | undefined {
  return /^[A-Z][A-Z0-9_]{1,31}(?= |$)/.exec(replyText ?? "")?.[0];
}

function refusalOf(asked: Asked, replyText: string): RedisReplyError | StoreUnavailable {
  const code = codeOf(replyText) ?? "ERR";
  const refusal = new RedisReplyError(code, asked.script, asked.command);
  const saysUnavailable = UNAVAILABLE_CODES.has(code) || UNAVAILABLE_TEXTS.test(replyText);
  return saysUnavailable ? unavailable(asked, refusal) : refusal;
}

/** Replies that speak of the state of the server or of our access to it, not of the command. */
const UNAVAILABLE_CODES: ReadonlySet<string> = new Set([
  ...["LOADING", "BUSY", "OOM", "MISCONF", "READONLY", "MASTERDOWN", "NOREPLICAS"],
  ...["CLUSTERDOWN", "TRYAGAIN", "ASK", "MOVED", "NOAUTH", "WRONGPASS", "NOPERM"],
]);

/** The same without a code of their own: Redis's limit of connections, and the limits of an Upstash plan. */
const UNAVAILABLE_TEXTS =
  /^ERR (?:max number of clients|max (?:daily )?requests? limit|max concurrent|DB capacity quota)/;

/** Only of what we wrote ourselves it is known that it holds no value. */
function safeCause(error: unknown): Error {
  if (error instanceof NoAnswer) return error;
  return new NoAnswer(error instanceof Error ? error.name : "an unknown failure");
}
