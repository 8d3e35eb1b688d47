// RFC 3339 §5.6, with fractions of up to nine digits.
const RFC_3339 =
  /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})$/i;

/** A time of the API, from Unix milliseconds: `2026-11-22T10:00:00.000Z` (RFC 3339 §5.6). */
export function rfc3339(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

/** The earlier of two times; null stands for never. */
export function earlier(aMs: number | null, bMs: number | null): number | null {
  if (aMs === null || bMs === null) return aMs ?? bMs;
  return Math.min(aMs, bMs);
}

/** Reads a time as RFC 3339 §5.6 spells it, in Unix milliseconds; null for everything else. */
export function parseRfc3339(untrustedText: string): number | null {
  const match = RFC_3339.exec(untrustedText);
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
