import type { Config } from "../services/config/config.ts";
import { createEncryptionKey } from "../services/sealing/encryption_key.ts";
import { loadOrCreateKeyFile, MissingKeyFile, readKeyFile } from "../services/sealing/key_file.ts";
import type { Store } from "../services/store/port/store.ts";

/** A store and the key that seals what is secret in it. */
export interface OpenedStore {
  readonly store: Store;
  /** 32 bytes. */
  readonly encryptionKey: Uint8Array;
}

/**
 * Opens the store that the configuration names. Each engine is imported only when it is the one: a run on SQLite loads
 * no Redis client, a run on Upstash no RESP one.
 */
export async function openStore(
  config: Omit<Config["store"], "retiredEncryptionKeys">,
): Promise<OpenedStore> {
  const { engine, sessionTtlMs, eventRetentionMs } = config;
  const policy = { sessionTtlMs, eventRetentionMs };
  if (engine.kind === "sqlite") {
    const { openSqliteStore } = await import("../services/store/sqlite/store.ts");
    const store = openSqliteStore({ path: engine.path, sync: engine.sync, policy });
    try {
      return {
        store,
        encryptionKey: config.encryptionKey ?? await embeddedKey(engine.path, store),
      };
    } catch (error) {
      await store.close();
      throw error;
    }
  }
  if (config.encryptionKey === null) {
    throw new Error("Cannot open a Redis store without ENCRYPTION_KEY: expected 32 bytes base64");
  }
  const { openRedisStore } = await import("../services/store/redis/store.ts");
  const transport = engine.kind === "upstash"
    ? await import("../services/store/redis/upstash_transport.ts").then((module) =>
      module.createUpstashTransport({ url: engine.url.href, token: engine.token })
    )
    : await import("../services/store/redis/resp_transport.ts").then((module) =>
      module.createRespTransport({ url: engine.url.href })
    );
  return {
    store: openRedisStore({ transport, shards: config.shards, policy }),
    encryptionKey: config.encryptionKey,
  };
}

/**
 * Nothing of a database in memory outlives the process, so neither need its key. A file's key stands beside it; a new one
 * is made only while nothing is sealed: it could not open what the lost one sealed.
 */
async function embeddedKey(path: string, store: Store): Promise<Uint8Array> {
  if (path === ":memory:") return createEncryptionKey();
  const keyPath = `${path}.key`;
  const existing = await readKeyFile(keyPath);
  if (existing !== null) return existing;
  if (await holdsSealed(store)) {
    // Another process may have made both since.
    const made = await readKeyFile(keyPath);
    if (made !== null) return made;
    throw new MissingKeyFile(keyPath);
  }
  return await loadOrCreateKeyFile(keyPath);
}

/** Whether there is anything that only the database's own key opens: secrets of webhooks, credentials of agents. */
async function holdsSealed(store: Store): Promise<boolean> {
  const { webhooks } = await store.listWebhooks();
  if (webhooks.length > 0) return true;
  // Credentials never lapse, so the time does not matter.
  const { items } = await store.listRecords({ kind: "credentials", nowMs: 0, limit: 1 });
  return items.length > 0;
}
