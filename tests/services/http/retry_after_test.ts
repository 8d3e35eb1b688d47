import assert from "node:assert/strict";
import { parseRetryAfter } from "../../../services/http/retry_after.ts";

const NOW_MS = Date.parse("2026-11-22T10:00:00.000Z");

const READ: readonly [value: string, waitMs: number][] = [
  ["0", 0],
  ["120", 120_000],
  [" 7 ", 7_000],
  ["1.5", 1_500],
  ["99999999999999999999999", Number.MAX_SAFE_INTEGER],
  ["Sun, 22 Nov 2026 10:02:00 GMT", 120_000],
  ["Sun, 22 Nov 2026 09:00:00 GMT", 0],
  ["Sunday, 22-Nov-26 10:00:30 GMT", 30_000],
  ["Sun Nov 22 10:00:05 2026", 5_000],
  ["Fri Dec  4 10:00:00 2026", 12 * 86_400_000],
  // RFC 9110 §5.6.7: 94 would be more than 50 years ahead, so it is 1994.
  ["Sunday, 06-Nov-94 08:49:37 GMT", 0],
];

for (const [value, waitMs] of READ) {
  Deno.test(`Retry-After ${JSON.stringify(value)} asks for ${waitMs} ms`, () => {
    assert.equal(parseRetryAfter(value, NOW_MS), waitMs);
  });
}

const NOTHING = [
  null,
  "",
  "soon",
  "-5",
  "1e3",
  "0x10",
  "5 minutes",
  "2026-11-22T10:02:00Z",
  "Sun, 22 Nov 2026 10:02:00 +0200",
  "Sun, 99 Foo 2026 10:02:00 GMT",
];

for (const value of NOTHING) {
  Deno.test(`Retry-After ${JSON.stringify(value)} says nothing`, () => {
    assert.equal(parseRetryAfter(value, NOW_MS), null);
  });
}
