/**
 * Upstream's timestamps. Its published samples write one and the same moment in several ways, and one of them has lost
 * the space between date and time; what is read here is the union of those and RFC 3339.
 */

// What `timestampSeconds` may be, as milliseconds: from 2000 up to 2100. A number of real seconds lies far below.
const EARLIEST_PLAUSIBLE_MS = Date.UTC(2000, 0, 1);
const LATEST_PLAUSIBLE_MS = Date.UTC(2100, 0, 1);

const TIMESTAMP =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ]?(\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,9}))? ?([Zz]|[+-]\d{2}:?\d{2})$/;

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
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(
    Number,
  );
  // RFC 3339 §5.7 allows second 60 for leap seconds; it rolls over into the next minute here.
  if (hour > 23 || minute > 59 || second > 60) return null;
  const fractionMs = Math.floor(Number(`0.${match[7] ?? "0"}`) * 1000);
  const offsetMs = parseOffsetMs(match[8] ?? "");
  if (offsetMs === null || !isCalendarDay(year, month, day)) return null;
  return Date.UTC(year, month - 1, day, hour, minute, second, fractionMs) - offsetMs;
}

function plausibleMs(untrustedNumber: unknown): number | null {
  return typeof untrustedNumber === "number" && Number.isInteger(untrustedNumber) &&
      untrustedNumber >= EARLIEST_PLAUSIBLE_MS && untrustedNumber < LATEST_PLAUSIBLE_MS
    ? untrustedNumber
    : null;
}

function parseOffsetMs(offset: string): number | null {
  if (offset.toUpperCase() === "Z") return 0;
  const hours = Number(offset.slice(1, 3));
  const minutes = Number(offset.slice(-2));
  if (hours > 23 || minutes > 59) return null;
  return (offset.startsWith("-") ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

// Date.UTC reads years below 100 as 19xx and lets a 31st of February pass; both show as a changed day.
function isCalendarDay(year: number, month: number, day: number): boolean {
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === day;
}
