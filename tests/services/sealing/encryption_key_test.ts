import assert from "node:assert/strict";
import {
  createEncryptionKey,
  parseEncryptionKey,
} from "../../../services/sealing/encryption_key.ts";

// Its base64 has both letters in which the alphabets differ.
const KEY = new Uint8Array(32).map((_, index) => index === 0 ? 0xfb : 0xff);

const WRITTEN: readonly [how: string, text: string][] = [
  ["base64", KEY.toBase64()],
  ["base64 without padding", KEY.toBase64({ omitPadding: true })],
  ["URL-safe base64", KEY.toBase64({ alphabet: "base64url" })],
  ["URL-safe base64 without padding", KEY.toBase64({ alphabet: "base64url", omitPadding: true })],
];
for (const [how, text] of WRITTEN) {
  Deno.test(`parseEncryptionKey() reads ${how}`, () => {
    assert.deepEqual(parseEncryptionKey(text), KEY);
  });
}

const REFUSED: readonly [what: string, text: string][] = [
  ["an empty text", ""],
  ["31 bytes", new Uint8Array(31).toBase64()],
  ["33 bytes", new Uint8Array(33).toBase64()],
  ["32 bytes in hexadecimal", KEY.toHex()],
  ["32 characters that were never encoded", "passphrase of thirty-two letters"],
  ["both alphabets at once", `+-${KEY.toBase64().slice(2)}`],
];
for (const [what, text] of REFUSED) {
  Deno.test(`parseEncryptionKey() refuses ${what}`, () => {
    assert.equal(parseEncryptionKey(text), null);
  });
}

Deno.test("createEncryptionKey() makes 32 bytes, other ones each time", () => {
  assert.equal(createEncryptionKey().length, 32);
  assert.notDeepEqual(createEncryptionKey(), createEncryptionKey());
});
