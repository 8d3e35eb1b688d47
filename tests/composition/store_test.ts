import assert from "node:assert/strict";
import { MissingKeyFile } from "../../services/sealing/key_file.ts";
import { openStore } from "../../composition/store.ts";
import type { Store } from "../../services/store/port/store.ts";

async function inFolder(test: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(`${folder}/data/patchbay.db`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const openAt = (path: string) =>
  openStore({
    engine: { kind: "sqlite", path, sync: "normal" },
    shards: 1,
    encryptionKey: null,
    sessionTtlMs: 1_000,
    eventRetentionMs: 1_000,
  });

Deno.test("openStore() makes a database and a key file that are their owner's alone", async () => {
  await inFolder(async (path) => {
    const { store } = await openAt(path);
    await store.ping();
    for (const file of [path, `${path}-wal`, `${path}-shm`, `${path}.key`]) {
      const { mode } = await Deno.stat(file);
      assert.equal((mode ?? 0) & 0o777, 0o600, file);
    }
    await store.close();
  });
});

Deno.test("openStore() comes back with the same key", async () => {
  await inFolder(async (path) => {
    const first = await openAt(path);
    await first.store.close();
    const second = await openAt(path);
    await second.store.close();
    assert.deepEqual(second.encryptionKey, first.encryptionKey);
  });
});

const SEALED: readonly [string, (store: Store) => Promise<unknown>][] = [
  ["a webhook's secret", (store) => store.putWebhook({ id: "wh_1", json: "{}" })],
  [
    "an agent's credentials",
    (store) =>
      store.writeRecord({
        kind: "credentials",
        key: "ann",
        text: "sealed",
        untilMs: null,
        nowMs: Date.now(),
      }),
  ],
];

for (const [what, keep] of SEALED) {
  Deno.test(`openStore() refuses a database with ${what} whose key file is gone`, async () => {
    await inFolder(async (path) => {
      const { store } = await openAt(path);
      await keep(store);
      await store.close();
      await Deno.remove(`${path}.key`);
      await assert.rejects(openAt(path), MissingKeyFile);
    });
  });
}
