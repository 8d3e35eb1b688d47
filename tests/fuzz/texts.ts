import fc from "fast-check";
import { NUMBERS } from "./canaries.ts";

/** Texts that programs have stumbled over. */
const NASTY: readonly string[] = [
  ...[
    "",
    " ",
    "\t",
    "\u0000",
    "\u007f",
    "\u00a0",
    "\ufeff",
    "\u200b",
    "\u202e",
    "\u2028",
    "\ud800",
  ],
  ...["__proto__", "constructor", "toString", "hasOwnProperty", "null", "undefined", "NaN", "true"],
  ...["0", "-0", "-1", "1e400", "9007199254740993", "0x10", "1.0", "١٢٣"],
  ...["..", "../..", "%", "%00", "%2e%2e", "%C3%28", "\\", "'", '"', "`", "${7*7}", "{{7*7}}", "*"],
  ...["a b", "a\r\nb: c", "a\nb", ";", ",", "=", "&", "?", "#", "/", "//", ":"],
  ...[
    "2026-11-22T10:00:00Z",
    "2026-02-30T10:00:00Z",
    "0000-00-00",
    "session.*",
    "*",
    "evt_",
    "wh_",
  ],
  ...["http://127.0.0.1:9/", "http://[::1]/", "javascript:alert(1)", "https://x@y/", "file:///etc"],
  ...["é", "e\u0301", "👩‍👩‍👧‍👦", "ﬀ", "ſ", "İ", "Accept", "accept", "Accept "],
  ...["0000Na9B26EF002X", "agent-1", "STOP", "START", "HELP", "Text", "Agent", "All"],
];

/** Any text at all, a lone surrogate among them. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...NASTY) },
  { weight: 2, arbitrary: fc.constantFrom(...NUMBERS) },
  { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 20 }) },
  { weight: 2, arbitrary: fc.string({ maxLength: 20 }) },
  { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 20 }) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom("a", "1", " ", "語", "/", "%41", "[", '\\"'), fc.nat(3_000))
      .map(([unit, times]) => unit.repeat(times)),
  },
);

/** What can stand in a header: visible ASCII, blanks within, and the bytes above. */
export const headerText: fc.Arbitrary<string> = anyText.map((text) =>
  text.replace(/[^\t\x20-\x7e\x80-\xff]/g, "").trim()
);

/** What can stand in a target: what is no visible ASCII is escaped, and a percent sign stays what it was. */
export const targetText: fc.Arbitrary<string> = anyText.map((text) =>
  text.toWellFormed().replace(/[^\x21-\x7e]/gu, encodeURIComponent)
    .replace(/[#?/]/g, encodeURIComponent)
);

/** Any value of JSON. */
export const anyValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: anyText },
  {
    weight: 2,
    arbitrary: fc.constantFrom<unknown>(null, true, false, [], {}, [[]], [null], { a: {} }),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom<unknown>(0, -1, 1, 1.5, 2 ** 31, 2 ** 53, -(2 ** 53), 1e300, 1e-300),
  },
  { weight: 1, arbitrary: fc.array(anyText, { maxLength: 4 }) },
  { weight: 1, arbitrary: fc.jsonValue({ depthSize: "small" }) },
);
