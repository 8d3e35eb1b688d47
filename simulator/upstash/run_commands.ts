import type { RespLink, RespReply } from "../../services/store/redis/resp_link.ts";
import type { Batch, Command } from "./command_request.ts";
import { notAvailable, refusalOf } from "./refused_commands.ts";

/** The replies in the order of the commands, or the error that discarded the whole transaction. */
export type Replies = readonly RespReply[] | Error;

/**
 * Has Redis carry the commands out. What REST does not offer is refused in place, in a transaction for all of it.
 *
 * @throws NoAnswer when Redis does not answer
 */
export async function runCommands(
  link: RespLink,
  batch: Batch,
  commands: readonly Command[],
): Promise<Replies> {
  const refusals = commands.map(refusalOf);
  if (batch === "transaction") {
    const refusal = refusals.find((refused) => refused !== null);
    return refusal === undefined ? await runTransaction(link, commands) : new Error(refusal);
  }
  const allowed = commands.filter((_, i) => refusals[i] === null);
  const replies = allowed.length === 0 ? [] : await link.send(allowed);
  const inOrder = replies.map(inUpstashWords).values();
  return refusals.map((refusal) =>
    refusal === null ? inOrder.next().value ?? null : new Error(refusal)
  );
}

async function runTransaction(link: RespLink, commands: readonly Command[]): Promise<Replies> {
  const replies = (await link.send([["MULTI"], ...commands, ["EXEC"]])).map(inUpstashWords);
  const results = replies.at(-1) ?? null;
  if (isArray(results)) return results.map(inUpstashWords);
  // What made Redis discard it says more than EXEC's own error.
  const reason = replies.find((reply) => reply instanceof Error);
  return reason instanceof Error ? reason : new Error("EXECABORT Transaction discarded");
}

/** Redis repeats the arguments of an unknown command; Upstash names the command only. */
function inUpstashWords(reply: RespReply): RespReply {
  if (!(reply instanceof Error)) return reply;
  const name = /^ERR unknown command '([^']*)'/.exec(reply.message)?.[1];
  return name === undefined ? reply : new Error(
    `${notAvailable(name)}. ` +
      "See https://upstash.com/docs/redis/overall/rediscompatibility for details",
  );
}

/** `Array.isArray` does not narrow a readonly array. */
export function isArray(reply: RespReply): reply is readonly RespReply[] {
  return Array.isArray(reply);
}
