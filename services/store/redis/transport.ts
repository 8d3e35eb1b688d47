import { createHash } from "node:crypto";

/**
 * How the Redis engine reaches its Redis. Two things implement it: `upstash_transport.ts` over REST and
 * `resp_transport.ts` over a connection. Words go out as they are and replies come back in the shapes of RESP 2:
 * strings stay strings (`"007"`, `"true"`), integers are numbers, nil is null, arrays are arrays.
 *
 * Every method is one round trip, is never repeated, and rejects with
 * - `StoreUnavailable` when there was no answer in time, or one that says that this Redis cannot serve now
 *   (loading, out of memory, wrong password …). What was asked may have been done all the same;
 * - {@link RedisReplyError} for every other error reply.
 *
 * Neither holds a word of the command beyond its name, nor has a cause that does.
 */
export interface RedisTransport {
  /** Runs a script: by its hash, and when Redis does not know that yet by its text, which is a second round trip. */
  script(script: Script, keys: readonly string[], args: readonly string[]): Promise<unknown>;
  /** Runs commands in this order, not atomically; rejects with the first error reply, after all have been run. */
  pipeline(commands: readonly (readonly string[])[]): Promise<unknown[]>;
  /** Ends connections. Further calls reject with `StoreUnavailable`. Safe to call twice. */
  close(): Promise<void>;
}

/** A Lua script as Redis knows it. */
export interface Script {
  /** How errors name it. */
  readonly name: string;
  readonly text: string;
  /** The SHA-1 of the text, as `EVALSHA` takes it. */
  readonly sha: string;
}

/** A script from its text. */
export function defineScript(name: string, text: string): Script {
  return { name, text, sha: createHash("sha1").update(text).digest("hex") };
}

/** Redis answered with an error of its own or of a script of ours (`redis.error_reply("CODE …")`). */
export class RedisReplyError extends Error {
  /** The first word of the reply: `WRONGTYPE`, `ERR`, or what the script calls it. */
  readonly code: string;
  /** The script's name; null for a plain command. */
  readonly scriptName: string | null;

  /** @param commandName what to call it when it was no script */
  constructor(code: string, scriptName: string | null, commandName: string) {
    super(`Redis refused ${scriptName === null ? commandName : `script ${scriptName}`}: ${code}`);
    this.name = new.target.name;
    this.code = code;
    this.scriptName = scriptName;
  }
}
