import { StoreUnavailable } from "../../errors.ts";
import { NoAnswer } from "./no_answer.ts";
import { RedisReplyError, type RedisTransport, type Script } from "./transport.ts";

/** What became of one command: its reply, or the whole text of its error reply. */
export type Answer = { readonly result: unknown } | { readonly error: string };

/** One way to reach a Redis. */
export interface Exchange {
  /**
   * One round trip: sends the commands once, gives one answer to each, in their order.
   *
   * @throws NoAnswer when there is not an answer to each
   */
  send(commands: readonly (readonly string[])[]): Promise<readonly Answer[]>;
  close(): Promise<void>;
}

/** The transport over an exchange: script loading, and errors that tell nothing of the commands. */
export function createExchangeTransport(exchange: Exchange): RedisTransport {
  let closed = false;

  async function ask(
    asked: Asked,
    commands: readonly (readonly string[])[],
  ): Promise<readonly Answer[]> {
    try {
      if (closed) throw new NoAnswer("the transport was closed");
      return await exchange.send(commands);
    } catch (error) {
      throw new StoreUnavailable(operationOf(asked), { cause: withoutValues(error) });
    }
  }

  async function askOne(asked: Asked, command: readonly string[]): Promise<Answer> {
    const [answer] = await ask(asked, [command]);
    return answer ?? { error: "ERR no answer" };
  }

  return {
    async command(args) {
      const asked = { commandName: nameOf(args), scriptName: null };
      return replyOf(asked, await askOne(asked, args));
    },

    async script(script, keys, args) {
      const asked = { commandName: "EVALSHA", scriptName: script.name };
      const tail = [String(keys.length), ...keys, ...args];
      const answer = await askOne(asked, ["EVALSHA", script.sha, ...tail]);
      if (!isUnknownScript(answer)) return replyOf(asked, answer);
      // Redis forgets scripts when it restarts; one that it does not know it has not run, so this repeats nothing.
      return replyOf(asked, await askOne(asked, ["EVAL", script.text, ...tail]));
    },

    async pipeline(commands) {
      if (commands.length === 0) return [];
      const asked = { commandName: `a pipeline of ${commands.length}`, scriptName: null };
      const answers = await ask(asked, commands);
      return answers.map((answer, i) =>
        replyOf({ ...asked, commandName: nameOf(commands[i]) }, answer)
      );
    },

    async close() {
      closed = true;
      await exchange.close();
    },
  };
}

/** What was asked for, as far as errors may tell it. */
interface Asked {
  readonly commandName: string;
  readonly scriptName: Script["name"] | null;
}

function nameOf(command: readonly string[] = []): string {
  return (command[0] ?? "nothing").toUpperCase();
}

function operationOf({ commandName, scriptName }: Asked): string {
  return `run ${scriptName === null ? commandName : `script ${scriptName}`}`;
}

function replyOf(asked: Asked, answer: Answer): unknown {
  if (!("error" in answer)) return answer.result;
  const code = codeOf(answer.error) ?? "ERR";
  const refusal = new RedisReplyError(code, asked.scriptName, asked.commandName);
  if (!saysUnavailable(code, answer.error)) throw refusal;
  throw new StoreUnavailable(operationOf(asked), { cause: refusal });
}

function isUnknownScript(answer: Answer): boolean {
  return "error" in answer && codeOf(answer.error) === "NOSCRIPT";
}

/** The code at the beginning of an error reply; null for a text that is none. */
export function codeOf(errorReply: string): string | null {
  return /^[A-Z][A-Z0-9_]{1,31}(?=[ :]|$)/.exec(errorReply)?.[0] ?? null;
}

/** Replies that speak of the state of the server or of our access to it, not of the command. */
const UNAVAILABLE_CODES: ReadonlySet<string> = new Set([
  ...["LOADING", "BUSY", "OOM", "MISCONF", "READONLY", "MASTERDOWN", "NOREPLICAS"],
  ...["CLUSTERDOWN", "TRYAGAIN", "NOAUTH", "WRONGPASS", "NOPERM"],
]);

/** The same, for replies that have no code of their own; the last three are Upstash's limits (its docs, "Troubleshooting"). */
const UNAVAILABLE_TEXTS =
  /^ERR (?:max number of clients|max (?:daily )?requests? limit|max concurrent|DB capacity quota)/;

function saysUnavailable(code: string, errorReply: string): boolean {
  return UNAVAILABLE_CODES.has(code) || UNAVAILABLE_TEXTS.test(errorReply);
}

/** A cause that is safe to log. Only what we wrote ourselves is known to hold no value. */
function withoutValues(error: unknown): Error {
  if (error instanceof NoAnswer) return error;
  return new NoAnswer(error instanceof Error ? error.name : "an unknown failure");
}
