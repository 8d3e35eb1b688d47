const SECONDS = /^\d+(\.\d+)?$/;
// The three spellings of RFC 9110 §5.6.7. `Date.parse` would take much more than these, and read the last one as
// local time.
const IMF_FIXDATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
const RFC_850 = /^[A-Z][a-z]+, (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}:\d{2}:\d{2}) GMT$/;
const ASCTIME = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/;

const FIFTY_YEARS = 50;

/**
 * What a Retry-After header asks for, in milliseconds from now, never negative: seconds (decimals are forgiven) or an
 * HTTP date in any of its three spellings (RFC 9110 §10.2.3). Null: there is none, or it says nothing.
 */
export function parseRetryAfter(untrustedValue: string | null, nowMs: number): number | null {
  const value = untrustedValue?.trim() ?? "";
  if (SECONDS.test(value)) {
    return Math.min(Math.round(Number(value) * 1_000), Number.MAX_SAFE_INTEGER);
  }
  const atMs = parseHttpDate(value, nowMs);
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
}

function parseHttpDate(value: string, nowMs: number): number {
  if (IMF_FIXDATE.test(value)) return Date.parse(value);
  if (ASCTIME.test(value)) return Date.parse(`${value} GMT`);
  const [, day, month, shortYear, time] = RFC_850.exec(value) ?? [];
  if (shortYear === undefined) return NaN;
  // RFC 9110 §5.6.7: two digits that seem more than 50 years ahead mean the most recent past year that ends so.
  const thisYear = new Date(nowMs).getUTCFullYear();
  const inThisCentury = thisYear - thisYear % 100 + Number(shortYear);
  const year = inThisCentury > thisYear + FIFTY_YEARS ? inThisCentury - 100 : inThisCentury;
  return Date.parse(`${day} ${month} ${year} ${time} GMT`);
}
