import assert from "node:assert/strict";
import { createSealer, type Sealer } from "../../../services/sealing/secrets.ts";
import {
  createCredentialsReader,
  keysFor,
  liveSecrets,
  rotateKeys,
  sealCredentials,
  SECRET_OVERLAP_MS,
  type WebhookKey,
} from "../../../services/webhooks/credentials.ts";

const NOW_MS = Date.parse("2026-11-22T10:00:00.000Z");

const randomBytes = (length: number) => crypto.getRandomValues(new Uint8Array(length));
const live = (keys: WebhookKey[], nowMs: number) => liveSecrets({ keys, headers: {} }, nowMs);
const schemes = (keys: readonly WebhookKey[]) => keys.map(({ scheme }) => scheme);

Deno.test("keysFor() makes what is missing, keeps what is there and drops what is not wanted", async () => {
  const both = await keysFor(["v1", "v1a"], [], randomBytes);
  assert.deepEqual(schemes(both), ["v1", "v1a"]);
  assert.match(both[0]?.secret ?? "", /^whsec_/);
  assert.match(both[1]?.secret ?? "", /^whsk_/);
  assert.match(both[1]?.publicKey ?? "", /^whpk_/);

  assert.deepEqual(await keysFor(["v1", "v1a"], both, randomBytes), both);
  assert.deepEqual(await keysFor(["v1a"], both, randomBytes), both.slice(1));
});

Deno.test("a rotated key signs beside the new one for 24 hours, after it in order", async () => {
  const before = await keysFor(["v1", "v1a"], [], randomBytes);
  const after = await rotateKeys(["v1", "v1a"], before, NOW_MS, randomBytes);
  const [newV1, newV1a, ...old] = live(after, NOW_MS + SECRET_OVERLAP_MS - 1);
  assert.deepEqual(old, before.map(({ secret }) => secret));
  assert.deepEqual(live(after, NOW_MS + SECRET_OVERLAP_MS), [newV1, newV1a]);
  assert.equal(SECRET_OVERLAP_MS, 86_400_000);
});

Deno.test("a second rotation does not lengthen the first one's overlap, and forgets what is over", async () => {
  const first = await keysFor(["v1"], [], randomBytes);
  const second = await rotateKeys(["v1"], first, NOW_MS, randomBytes);
  const third = await rotateKeys(["v1"], second, NOW_MS + 1_000, randomBytes);
  assert.deepEqual(third.map(({ untilMs }) => untilMs), [
    null,
    NOW_MS + 1_000 + SECRET_OVERLAP_MS,
    NOW_MS + SECRET_OVERLAP_MS,
  ]);

  const later = await rotateKeys(["v1"], third, NOW_MS + SECRET_OVERLAP_MS, randomBytes);
  assert.equal(later.length, 3);
  assert.ok(!later.some(({ secret }) => secret === first[0]?.secret));
});

Deno.test("at most two rotated keys of a scheme sign on, the newest", async () => {
  let keys = await keysFor(["v1"], [], randomBytes);
  const secrets: (string | undefined)[] = [];
  for (let rotation = 0; rotation < 4; rotation++) {
    secrets.unshift(keys[0]?.secret);
    keys = await rotateKeys(["v1"], keys, NOW_MS, randomBytes);
  }
  assert.deepEqual(live(keys, NOW_MS).slice(1), secrets.slice(0, 2));
});

Deno.test("credentials are sealed at rest, and opened once per sealing", async () => {
  const sealer = createSealer(randomBytes(32));
  let opened = 0;
  const counting: Sealer = {
    seal: sealer.seal,
    open(sealed) {
      opened += 1;
      return sealer.open(sealed);
    },
  };
  const credentials = {
    keys: await keysFor(["v1"], [], randomBytes),
    headers: { authorization: "Bearer s3cret" },
  };
  const sealedCredentials = await sealCredentials(credentials, sealer);
  assert.ok(!sealedCredentials.includes("whsec_") && !sealedCredentials.includes("s3cret"));

  const read = createCredentialsReader(counting);
  const webhook = { sealedCredentials };
  assert.deepEqual(await read(webhook), credentials);
  assert.deepEqual(await read(webhook), credentials);
  assert.equal(opened, 1);
});
