import assert from "node:assert/strict";
import { CompactEncrypt, decodeProtectedHeader } from "jose";
import { createEncryptionKey } from "../../../services/sealing/encryption_key.ts";
import { CannotUnseal, createSealer } from "../../../services/sealing/secrets.ts";

const KEY = new Uint8Array(32).map((_, index) => index);
// The SHA-256 of the bytes 00 01 … 1f begins so, as `sha256sum` says too.
const KEY_ID = "630dcd29";

/** Expects a refusal for that reason whose message gives away neither text. */
async function assertRefused(opening: Promise<string>, reason: CannotUnseal["reason"]) {
  await assert.rejects(opening, (error: unknown) => {
    assert.ok(error instanceof CannotUnseal, String(error));
    assert.equal(error.reason, reason, error.message);
    assert.match(error.message, /^Cannot open /);
    assert.ok(!error.message.includes("whsec"), error.message);
    return true;
  });
}

for (
  const text of ["whsec_abc", "", "ключ 🔑\n", "\uFEFFbegins with a mark", "x".repeat(100_000)]
) {
  Deno.test(`createSealer() opens what it sealed: ${JSON.stringify(text.slice(0, 24))}`, async () => {
    const sealer = createSealer(KEY);
    assert.equal(await sealer.open(await sealer.seal(text)), text);
  });
}

Deno.test("createSealer() writes a compact JWE that names algorithm and key", async () => {
  const sealed = await createSealer(KEY).seal("whsec_abc");
  assert.match(sealed, /^[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/);
  assert.deepEqual(decodeProtectedHeader(sealed), { alg: "dir", enc: "A256GCM", kid: KEY_ID });
});

Deno.test("createSealer() seals the same text differently each time", async () => {
  const sealer = createSealer(KEY);
  assert.notEqual(await sealer.seal("whsec_abc"), await sealer.seal("whsec_abc"));
});

Deno.test("createSealer() with several keys seals with the first and opens with all", async () => {
  const [older, newer] = [createEncryptionKey(), createEncryptionKey()];
  const sealedBefore = await createSealer(older).seal("before");
  const rotated = createSealer([newer, older]);
  assert.equal(await rotated.open(sealedBefore), "before");
  const sealedAfter = await rotated.seal("after");
  assert.equal(await createSealer(newer).open(sealedAfter), "after");
  await assertRefused(createSealer(older).open(sealedAfter), "other-key");
});

Deno.test("createSealer() refuses what another key sealed", async () => {
  const sealed = await createSealer(createEncryptionKey()).seal("whsec_abc");
  await assertRefused(createSealer(KEY).open(sealed), "other-key");
});

Deno.test("createSealer() refuses what another key sealed under the name of its own", async () => {
  const forged = await new CompactEncrypt(new TextEncoder().encode("whsec_abc"))
    .setProtectedHeader({ alg: "dir", enc: "A256GCM", kid: KEY_ID })
    .encrypt(createEncryptionKey());
  await assertRefused(createSealer(KEY).open(forged), "damaged");
});

Deno.test("createSealer() refuses another algorithm than its own, even with its key", async () => {
  const wrapped = await new CompactEncrypt(new TextEncoder().encode("whsec_abc"))
    .setProtectedHeader({ alg: "A256KW", enc: "A256GCM", kid: KEY_ID })
    .encrypt(KEY);
  await assertRefused(createSealer(KEY).open(wrapped), "damaged");
});

for (const [part, index] of [["initialisation vector", 2], ["text", 3], ["tag", 4]] as const) {
  Deno.test(`createSealer() refuses a sealed text whose ${part} was changed`, async () => {
    const sealer = createSealer(KEY);
    const parts = (await sealer.seal("whsec_abc")).split(".");
    const old = parts[index] ?? "";
    parts[index] = (old.startsWith("A") ? "B" : "A") + old.slice(1);
    await assertRefused(sealer.open(parts.join(".")), "damaged");
  });
}

Deno.test("createSealer() refuses a sealed text whose header was changed", async () => {
  const sealer = createSealer(KEY);
  const [, ...rest] = (await sealer.seal("whsec_abc")).split(".");
  const header = new TextEncoder().encode(
    JSON.stringify({ alg: "dir", enc: "A256GCM", kid: KEY_ID, zip: "DEF" }),
  ).toBase64({ alphabet: "base64url", omitPadding: true });
  await assertRefused(sealer.open([header, ...rest].join(".")), "damaged");
});

for (const text of ["", "whsec_abc", "a.b.c.d.e", "....", "🔑"]) {
  Deno.test(`createSealer() refuses ${JSON.stringify(text)}, which was never sealed`, async () => {
    await assertRefused(createSealer(KEY).open(text), "damaged");
  });
}

Deno.test("createSealer() keeps its key when the caller's bytes are wiped afterwards", async () => {
  const bytes = KEY.slice();
  const sealer = createSealer(bytes);
  bytes.fill(0);
  assert.equal(await createSealer(KEY).open(await sealer.seal("whsec_abc")), "whsec_abc");
});

Deno.test("createSealer() wants one key of 32 bytes at least", () => {
  assert.throws(() => createSealer([]), /expected one at least$/);
  assert.throws(() => createSealer(new Uint8Array(16)), /of 16 bytes: expected 32$/);
  assert.throws(() => createSealer([KEY, new Uint8Array(33)]), /of 33 bytes: expected 32$/);
});
