import assert from "node:assert/strict";
import fc from "fast-check";
import {
  LONGEST_PART,
  MAX_PARTS,
  MAX_SEGMENTS,
  segmentsOf,
  splitText,
} from "../../../services/sms/split.ts";

const family = "👨‍👩‍👧‍👦";

type Row = readonly [name: string, text: string, parts: readonly (readonly [number, number])[]];

/** For each part its length in UTF-16 units and its segments. */
const ROWS: readonly Row[] = [
  ["a short text", "Hello", [[5, 1]]],
  ["70 UCS-2 units", "字".repeat(70), [[70, 1]]],
  ["71 UCS-2 units", "字".repeat(71), [[71, 2]]],
  ["160 GSM-7 characters", "a".repeat(160), [[160, 1]]],
  ["161 GSM-7 characters", "a".repeat(161), [[161, 2]]],
  ["80 characters that take two septets each", "€".repeat(80), [[80, 1]]],
  ["81 of them", "€".repeat(81), [[81, 2]]],
  ["one character that is not GSM-7 among 100", "a".repeat(99) + "ł", [[100, 2]]],
  ["ten segments of GSM-7", "a".repeat(1530), [[1530, 10]]],
  ["one character more", "a".repeat(1531), [[1530, 10], [1, 1]]],
  ["ten segments of UCS-2", "字".repeat(670), [[670, 10]]],
  ["one unit more", "ł".repeat(671), [[670, 10], [1, 1]]],
  ["a word at the border", "a".repeat(1520) + " " + "b".repeat(20), [[1521, 10], [20, 1]]],
  ["a word longer than half a part", "a " + "b".repeat(1600), [[1530, 10], [72, 1]]],
  ["a surrogate pair at the border", "字".repeat(669) + "😀字", [[669, 10], [3, 1]]],
  ["a space with a mark at the border", "ł".repeat(669) + " \u0301" + "ł", [[669, 10], [3, 1]]],
  ["a family at the border", "字".repeat(665) + family, [[665, 10], [11, 1]]],
];

for (const [name, text, parts] of ROWS) {
  Deno.test(`splitText() cuts ${name} into ${parts.length}`, async () => {
    const split = await splitText(text);
    assert(split.kind === "parts");
    assert.deepEqual(split.parts.map(({ text, segments }) => [text.length, segments]), parts);
    assert.equal(split.parts.map(({ text }) => text).join(""), text);
    for (const part of split.parts) assert.equal(await segmentsOf(part.text), part.segments);
  });
}

/** Nothing of it can be seen: written another way than the code does. */
const INVISIBLE = /^[\p{Z}\p{Cc}\p{Cf}\u{fe00}-\u{fe0f}\u034f\u115f\u1160\u3164\uffa0\u2800]*$/u;

const SPACES = " ".repeat(5_000);
/** What is left of it: each part with what is left out before it. */
const RUNS: readonly (readonly [
  name: string,
  text: string,
  parts: readonly (readonly [number, string])[],
])[] = [
  ["between words", `Hello${SPACES}world`, [[0, "Hello"], [5_000, "world"]]],
  ["before the first", `${SPACES}world`, [[5_000, "world"]]],
  ["behind the last", `Hello${SPACES}`, [[0, "Hello"]]],
  ["of 100 000", `Hello${" ".repeat(100_000)}world`, [[0, "Hello"], [100_000, "world"]]],
  ["with a mark on its last", `Hello${SPACES}\u0301ł`, [[0, "Hello"], [4_999, " \u0301ł"]]],
  ["of line ends", `Hello${"\r\n".repeat(2_000)}world`, [[0, "Hello"], [4_000, "world"]]],
];

for (const [name, text, parts] of RUNS) {
  Deno.test(`splitText() leaves out a long run of white space ${name}`, async () => {
    const split = await splitText(text);
    assert(split.kind === "parts");
    assert.deepEqual(split.parts.map(({ blankBefore, text }) => [blankBefore, text]), parts);
  });
}

Deno.test("splitText() keeps white space that fits, at both ends and within", async () => {
  const text = `  two${" ".repeat(100)}words  `;
  const split = await splitText(text);
  assert.deepEqual(split, { kind: "parts", parts: [{ text, blankBefore: 0, segments: 1 }] });
});

for (
  const text of [
    "",
    " ",
    SPACES,
    "\u200b\ufeff\u2060",
    "\u200b".repeat(2_000),
    "\0\x07\x85",
    "\u3164",
  ]
) {
  Deno.test(`splitText() finds ${text.length} units of ${JSON.stringify(text.slice(0, 3))} blank`, async () => {
    assert.deepEqual(await splitText(text), { kind: "blank" });
  });
}

for (const text of ["\u0301", "\u0600", "\u{1fae8}", "\ue000", "\ufffd", "."]) {
  Deno.test(`splitText() takes ${JSON.stringify(text)} for something`, async () => {
    assert.equal((await splitText(text)).kind, "parts");
  });
}

Deno.test("splitText() takes ten full parts, and no eleventh", async () => {
  assert.equal((await splitText("a".repeat(15_300))).kind, "parts");
  assert.equal((await splitText("a".repeat(15_301))).kind, "too-long");
  assert.equal((await splitText("a".repeat(1_000_000))).kind, "too-long");
});

Deno.test("splitText() does not take a space that carries a mark for a place between words", async () => {
  const split = await splitText("ł".repeat(600) + " \u0301" + "ł".repeat(200));
  assert(split.kind === "parts");
  assert.deepEqual(split.parts.map(({ text }) => text.length), [602, 200]);
});

Deno.test("splitText() keeps a grapheme whole of which a part would hold the most", async () => {
  const grapheme = "e" + "\u0301".repeat(200);
  const split = await splitText(grapheme.repeat(8));
  assert(split.kind === "parts");
  assert.ok(split.parts.every(({ text }) => text.length % grapheme.length === 0));
});

Deno.test("splitText() cuts a grapheme that is longer than a part between its code points", async () => {
  const text = "e" + "\u0301".repeat(2_000);
  const split = await splitText(text);
  assert(split.kind === "parts");
  assert.equal(split.parts.map(({ text }) => text).join(""), text);
  assert.ok(split.parts.every(({ text }) => text.length <= LONGEST_PART));
});

Deno.test("splitText() keeps every text whole, within the limits, and its graphemes uncut", async () => {
  const pieces = fc.array(
    fc.oneof(
      fc.lorem({ maxCount: 40 }),
      fc.string({ unit: "grapheme", maxLength: 200 }),
      fc.constantFrom(family, "🇩🇪🇫🇷", "a\u0301", "€".repeat(50), "\r\n", "字".repeat(300)),
      fc.constantFrom(" ".repeat(2_000), "\u200b".repeat(900), "\n \u0301", "\r\n".repeat(400)),
    ),
    { maxLength: 15 },
  );
  const segmenter = new Intl.Segmenter("und", { granularity: "grapheme" });
  await fc.assert(
    fc.asyncProperty(pieces, async (all) => {
      const text = all.join("");
      const split = await splitText(text);
      if (split.kind === "too-long") return assert.ok(text.length > 670 * MAX_PARTS / 2);
      if (split.kind === "blank") return assert.match(text, INVISIBLE);
      const borders = new Set([...segmenter.segment(text)].map(({ index }) => index));
      let at = 0;
      for (const part of split.parts) {
        assert.match(text.slice(at, at += part.blankBefore), INVISIBLE);
        assert.ok(part.text.length <= LONGEST_PART && part.segments <= MAX_SEGMENTS);
        assert.ok(borders.has(at), `cut within a grapheme at ${at}`);
        assert.doesNotMatch(part.text, INVISIBLE);
        assert.equal(text.slice(at, at += part.text.length), part.text);
      }
      assert.match(text.slice(at), INVISIBLE);
    }),
    { numRuns: 60 },
  );
});
