import { StoreUnavailable } from "../errors.ts";
import { NoAnswer } from "./redis/no_answer.ts";
import { RedisReplyError } from "./redis/transport.ts";

/** SQLite's words for what is wrong with a database (https://www.sqlite.org/rescode.html); they never tell of a value. */
const SQLITE_WORDS =
  /^(?:database (?:is locked|or disk is full|disk image is malformed|table is locked)|disk I\/O error|unable to open database file|attempt to write a readonly database|out of memory)$/;

/**
 * Why a store could not be used, for the log: `no answer within 1500 ms`, `Redis refused script publish: OOM`,
 * `database or disk is full`. Of a failure that nobody has thought of only the name is told, because its message may hold anything.
 * Undefined where the error is of another kind, or has no cause.
 */
export function storeFailureReason(error: unknown): string | undefined {
  if (!(error instanceof StoreUnavailable && error.cause instanceof Error)) return undefined;
  const { cause } = error;
  const isWordedByUs = cause instanceof NoAnswer || cause instanceof RedisReplyError;
  return isWordedByUs || SQLITE_WORDS.test(cause.message) ? cause.message : cause.name;
}
