import assert from "node:assert/strict";
import { createMemoryLog } from "../support/memory_log.ts";
import { MissingKeyFile } from "../../services/sealing/key_file.ts";
import { openStore } from "../../composition/store.ts";

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
    retiredEncryptionKeys: [],
    sessionTtlMs: 1_000,
    eventRetentionMs: 1_000,
  }, createMemoryLog());

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
    assert.deepEqual(second.keys, first.keys);
  });
});

Deno.test("openStore() refuses a database whose key file is gone", async () => {
  await inFolder(async (path) => {
    const { store } = await openAt(path);
    await store.close();
    await Deno.remove(`${path}.key`);
    await assert.rejects(openAt(path), MissingKeyFile);
  });
});
