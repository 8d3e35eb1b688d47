import assert from "node:assert/strict";
import { readIdempotencyKey } from "../../../services/idempotency/key.ts";

const LONGEST = "k".repeat(255);

const READ: readonly (readonly [string, string | null])[] = [
  ["8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"],
  ['"8e03978e-40d5-43dd-bc93-6894a57f9324"', "8e03978e-40d5-43dd-bc93-6894a57f9324"],
  ["  key  ", "key"],
  ["!~", "!~"],
  ['a"b', 'a"b'],
  ['"a\\"b"', 'a"b'],
  ['"a\\\\b"', "a\\b"],
  [LONGEST, LONGEST],
  [`"${LONGEST}"`, LONGEST],
  [`"${'\\"'.repeat(255)}"`, '"'.repeat(255)],
  ["", null],
  ['""', null],
  ['"', null],
  ['"key', null],
  ['"key" ;a=1', null],
  ['"a"b"', null],
  ['"a\\b"', null],
  ['"a b"', null],
  ["a b", null],
  ["first, second", null],
  ["schlüssel", null],
  ["a\tb", null],
  ["a\u007f", null],
  ["k".repeat(256), null],
  [`"${"k".repeat(256)}"`, null],
];

for (const [header, key] of READ) {
  const shown = header.length > 40 ? `${header.slice(0, 20)}… of ${header.length}` : header;
  Deno.test(`readIdempotencyKey() reads ${shown} as ${key === null ? "no key" : "a key"}`, () => {
    assert.equal(readIdempotencyKey(header), key);
  });
}
