import assert from "node:assert/strict";
import { charterAfter, OtherTerms, STORE_VERSION } from "../../../services/store/charter.ts";

const TERMS = { shards: 2, keyIds: ["aaaa0000"] } as const;
const BEGUN = charterAfter(null, TERMS);

Deno.test("a new store is begun with the terms of who opens it first", () => {
  assert.deepEqual(JSON.parse(BEGUN ?? ""), {
    version: STORE_VERSION,
    shards: 2,
    keyId: "aaaa0000",
  });
});

Deno.test("a store that was begun with the same terms stays as it is", () => {
  assert.equal(charterAfter(BEGUN, TERMS), null);
});

Deno.test("a new key in front of the one that sealed takes its place", () => {
  const rotated = charterAfter(BEGUN, { shards: 2, keyIds: ["bbbb1111", "aaaa0000"] });
  assert.equal(JSON.parse(rotated ?? "").keyId, "bbbb1111");
  assert.throws(() => charterAfter(rotated, TERMS), OtherTerms);
});

const REFUSED: readonly [string, string | null, Parameters<typeof charterAfter>[1], RegExp][] = [
  ["another number of shards", BEGUN, { ...TERMS, shards: 3 }, /STORE_SHARDS=3: expected .*=2,/],
  ["another key", BEGUN, { ...TERMS, keyIds: ["bbbb1111"] }, /ENCRYPTION_KEY/],
  [
    "a newer version",
    JSON.stringify({ version: STORE_VERSION + 1, shards: 2, keyId: "aaaa0000" }),
    TERMS,
    /version 2, which a newer Patchbay wrote: expected at most 1/,
  ],
  ["something that is no JSON", "begun", TERMS, /cannot be read/],
  ["something that is no charter", "[1]", TERMS, /cannot be read/],
  ["a charter without a key", '{"version":1,"shards":2}', TERMS, /cannot be read/],
];

for (const [what, held, terms, message] of REFUSED) {
  Deno.test(`a store with ${what} is refused`, () => {
    assert.throws(() => charterAfter(held, terms), (error) => {
      assert.ok(error instanceof OtherTerms);
      assert.match(error.message, message);
      return true;
    });
  });
}
