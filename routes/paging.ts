import { Buffer } from "node:buffer";
import { InvalidParameter } from "../services/errors.ts";
import { shownId } from "../services/support/log.ts";
import type { Page, PageRequest } from "../services/store/port/paging.ts";
import type { UntrustedQuery } from "./query.ts";

const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 100;
// Far above any id; a cursor is only ever one id.
const CURSOR_MAX_LENGTH = 1024;

/**
 * Reads `limit` (1 to 100, 20 when absent) and `cursor` (a `nextCursor` answered before).
 *
 * @throws {InvalidParameter} naming the parameter and what was expected
 */
export function readPage(untrustedQuery: UntrustedQuery): PageRequest {
  const limit = readLimit(untrustedQuery.limit);
  return untrustedQuery.cursor === undefined
    ? { limit }
    : { limit, cursor: decodeCursor(untrustedQuery.cursor) };
}

/**
 * The list's own filters among the query parameters; absent ones are undefined.
 *
 * @throws {InvalidParameter} for a parameter that the list does not have, which would otherwise seem to filter, and for
 * an empty one: `?session=` is a lost value more likely than the wish for all of them
 */
export function filtersIn<Name extends string>(
  untrustedQuery: UntrustedQuery,
  names: readonly Name[],
): Partial<Record<Name, string>> {
  const unknown = Object.keys(untrustedQuery)
    .find((name) => ![...names, "limit", "cursor"].includes(name));
  if (unknown !== undefined) {
    const expected = [...names, "limit", "cursor"].join(", ");
    throw new InvalidParameter(`Cannot list by ${shownId(unknown)}: expected ${expected}`);
  }
  const filters: Partial<Record<Name, string>> = {};
  for (const name of names) {
    const value = untrustedQuery[name];
    if (value === "") throw new InvalidParameter(`Cannot use an empty ${name}: expected a value`);
    if (value !== undefined) filters[name] = value;
  }
  return filters;
}

/** For bodies that are made as text, so that what the store kept as JSON text is answered as that text. */
export const JSON_TYPE = { "content-type": "application/json" } as const;

/** The answer to a list: `{"data": […], "nextCursor": …}`. */
export function listBody<T>({ items, nextCursor }: Page<T>, toJson: (item: T) => string): string {
  const cursor = nextCursor === null ? null : Buffer.from(nextCursor).toString("base64url");
  return `{"data":[${items.map(toJson).join(",")}],"nextCursor":${JSON.stringify(cursor)}}`;
}

function readLimit(untrustedLimit: string | undefined): number {
  if (untrustedLimit === undefined) return LIMIT_DEFAULT;
  const limit = /^\d{1,3}$/.test(untrustedLimit) ? Number(untrustedLimit) : 0;
  if (limit < 1 || limit > LIMIT_MAX) {
    throw new InvalidParameter(
      `Cannot use this limit: expected an integer from 1 to ${LIMIT_MAX}`,
    );
  }
  return limit;
}

function decodeCursor(untrustedCursor: string): string {
  const id = Buffer.from(untrustedCursor.slice(0, CURSOR_MAX_LENGTH), "base64url").toString();
  // Buffer reads past what it does not understand; only a text that comes out again as it went in was one of ours.
  if (id === "" || Buffer.from(id).toString("base64url") !== untrustedCursor) {
    throw new InvalidParameter("Cannot use this cursor: expected a nextCursor of this list");
  }
  return id;
}
