import type { Command } from "./command_request.ts";

const BLOCKING = "Commands that wait are not supported over REST";
const SUBSCRIBING = "This endpoint has no subscriptions; only PUBLISH and PUBSUB are supported";
const TRANSACTION = "Send a transaction to /multi-exec";
const CONNECTION = "A REST request has no connection of its own";
const ADMINISTRATION = "It is not for those who use a database";

/** Why whole commands are refused: REST has no use for them, or they would spoil the connection that all share. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ...because(
    BLOCKING,
    "BLPOP BRPOP BRPOPLPUSH BLMOVE BLMPOP BZPOPMIN BZPOPMAX BZMPOP WAIT WAITAOF",
  ),
  ...because(
    SUBSCRIBING,
    "SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE MONITOR",
  ),
  ...because(TRANSACTION, "MULTI EXEC DISCARD WATCH UNWATCH"),
  ...because(CONNECTION, "AUTH HELLO SELECT QUIT RESET READONLY READWRITE ASKING"),
  ...because(
    ADMINISTRATION,
    "SHUTDOWN DEBUG CONFIG MODULE CLUSTER FAILOVER REPLICAOF SLAVEOF SYNC PSYNC REPLCONF",
  ),
]);

/** What of CLIENT asks or says something and changes nothing for others. */
const HARMLESS_CLIENT = new Set(["GETNAME", "ID", "INFO", "LIST", "SETINFO"]);

/** The error with which a command is refused, or null when Redis may have it. */
export function refusalOf(command: Command): string | null {
  const name = (command[0] ?? "").toUpperCase();
  const reason = REFUSED.get(name) ?? reasonInArguments(name, command);
  return reason === null ? null : `${notAvailable(name)}. ${reason}`;
}

/** Upstash's words for a command that it does not have. */
export function notAvailable(name: string): string {
  return `ERR Command is not available: '${name.toUpperCase()}'`;
}

function reasonInArguments(name: string, command: Command): string | null {
  if (name === "CLIENT") {
    return HARMLESS_CLIENT.has((command[1] ?? "").toUpperCase()) ? null : CONNECTION;
  }
  if (name === "XREAD" || name === "XREADGROUP") return readWaits(command) ? BLOCKING : null;
  return null;
}

/** BLOCK is an option only before STREAMS; behind it a stream may have that name. */
function readWaits(command: Command): boolean {
  const words = command.map((word) => word.toUpperCase());
  const options = words.slice(1, words.indexOf("STREAMS"));
  // `XREADGROUP GROUP block …`: the words after GROUP are names.
  const names = options[0] === "GROUP" ? 3 : 0;
  return options.slice(names).includes("BLOCK");
}

function because(reason: string, names: string): [string, string][] {
  return names.split(" ").map((name) => [name, reason]);
}
