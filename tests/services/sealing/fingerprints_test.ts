import assert from "node:assert/strict";
import { createFingerprints } from "../../../services/sealing/fingerprints.ts";

const KEY = new Uint8Array(32).fill(1);
const NEW_KEY = new Uint8Array(32).fill(2);

Deno.test("a fingerprint is its value's alone, and does not show it", async () => {
  const fingerprints = createFingerprints([KEY]);
  const fingerprint = await fingerprints.of("+16502530123");
  assert.match(fingerprint, /^[\w-]{43}$/);
  assert.equal(fingerprint, await fingerprints.of("+16502530123"));
  assert.equal(await fingerprints.isOf("+16502530123", fingerprint), true);
  assert.equal(await fingerprints.isOf("+12125550123", fingerprint), false);
});

Deno.test("a fingerprint by a retired key is recognised, and one by a strange key is not", async () => {
  const fingerprint = await createFingerprints([KEY]).of("+16502530123");
  assert.equal(await createFingerprints([NEW_KEY, KEY]).isOf("+16502530123", fingerprint), true);
  assert.equal(await createFingerprints([NEW_KEY]).isOf("+16502530123", fingerprint), false);
  assert.notEqual(await createFingerprints([NEW_KEY, KEY]).of("+16502530123"), fingerprint);
});

for (const text of ["", "no base64!", "AAAA"]) {
  Deno.test(`${JSON.stringify(text)} is nobody's fingerprint`, async () => {
    assert.equal(await createFingerprints([KEY]).isOf("+16502530123", text), false);
  });
}
