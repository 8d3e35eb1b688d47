/**
 * Upstream's timestamps. Its published samples write one and the same moment in several ways, and one of them has lost
 * the space between date and time; what is read here is the union of those and RFC 3339.
 */

import { parseRfc3339 } from "../../support/time.ts";

// `timestampSeconds` is believed as milliseconds from 2000 up to 2100. Real Unix seconds are far smaller and are refused.
const EARLIEST_PLAUSIBLE_MS = Date.UTC(2000, 0, 1);
const LATEST_PLAUSIBLE_MS = Date.UTC(2100, 0, 1);

// Date, time, fraction, and an offset with or without its colon.
const TIMESTAMP =
  /^(\d{4}-\d{2}-\d{2})[Tt ]?(\d{2}:\d{2}:\d{2})(?:[.,](\d{1,9}))? ?(?:([Zz])|([+-]\d{2}):?(\d{2}))$/;

/**
 * When something happened, in Unix milliseconds; null when neither member says it.
 *
 * `timestampSeconds` wins where it is plausible: despite its name upstream fills it with milliseconds, and it needs no
 * guessing about formats.
 */
export function upstreamTimeMs(
  stamped: { readonly timestamp?: unknown; readonly timestampSeconds?: unknown },
): number | null {
  return plausibleMs(stamped.timestampSeconds) ?? parseUpstreamTimestamp(stamped.timestamp);
}

/**
 * Reads `2014-01-02T14:23:18.000-0800`, `2014-01-09 11:58:12.035+0200`, `2014-05-1502:24:00.000-0700` and RFC 3339
 * §5.6. Null for everything else, a text without an offset included: its moment is not known.
 */
export function parseUpstreamTimestamp(untrustedTimestamp: unknown): number | null {
  if (typeof untrustedTimestamp !== "string") return null;
  const match = TIMESTAMP.exec(untrustedTimestamp.trim());
  if (match === null) return null;
  const [, date, time, fraction = "0", zone, hours = "", minutes = ""] = match;
  const offset = zone === undefined ? `${hours}:${minutes}` : "Z";
  return parseRfc3339(`${date}T${time}.${fraction}${offset}`);
}

function plausibleMs(untrustedNumber: unknown): number | null {
  return typeof untrustedNumber === "number" && Number.isInteger(untrustedNumber) &&
      untrustedNumber >= EARLIEST_PLAUSIBLE_MS && untrustedNumber < LATEST_PLAUSIBLE_MS
    ? untrustedNumber
    : null;
}
