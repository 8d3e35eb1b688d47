import type { Config } from "../services/config/config.ts";
import { StoreUnavailable } from "../services/errors.ts";
import { createEncryptionKey } from "../services/sealing/encryption_key.ts";
import { loadOrCreateKeyFile, MissingKeyFile, readKeyFile } from "../services/sealing/key_file.ts";
import { keyIdOf } from "../services/sealing/secrets.ts";
import type { StoreTerms } from "../services/store/port/charter.ts";
import type { Store } from "../services/store/port/store.ts";
import type { SqliteStore } from "../services/store/sqlite/store.ts";
import type { Logger } from "../services/support/log.ts";

/** A store and the keys of what is secret in it. */
export interface OpenedStore {
  readonly store: Store;
  /** 32 bytes each: the first seals, all of them open. */
  readonly keys: Keys;
}

type Keys = readonly [Uint8Array, ...Uint8Array[]];

/**
 * Opens the store that the configuration names. Each engine is imported only when it is the one: a run on SQLite loads
 * no Redis client, a run on Upstash no RESP one. A Redis that is away is opened all the same: it is compared with the
 * settings before it is used.
 *
 * @throws OtherTerms when the store was begun with other settings
 * @throws MissingKeyFile when it was begun with a key file that is gone
 */
export async function openStore(config: Config["store"], log: Logger): Promise<OpenedStore> {
  const { engine, encryptionKey, retiredEncryptionKeys, sessionTtlMs, eventRetentionMs } = config;
  const policy = { sessionTtlMs, eventRetentionMs };
  if (engine.kind === "sqlite") {
    const { openSqliteStore } = await import("../services/store/sqlite/store.ts");
    const store = openSqliteStore({ path: engine.path, sync: engine.sync, policy });
    return await closedUnless(store, async () => {
      const key = encryptionKey ?? await embeddedKey(engine.path, store);
      const keys: Keys = [key, ...retiredEncryptionKeys];
      await store.agree({ shards: 1, keyIds: await keyIdsOf(keys) });
      return { store, keys };
    });
  }
  if (encryptionKey === null) {
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
  const store = openRedisStore({ transport, shards: config.shards, policy });
  return await closedUnless(store, async () => {
    const keys: Keys = [encryptionKey, ...retiredEncryptionKeys];
    await agreeOrLater(store, { shards: config.shards, keyIds: await keyIdsOf(keys) }, log);
    return { store, keys };
  });
}

/** What `make` comes back with; where it throws, the store is closed. */
async function closedUnless(
  store: Store,
  make: () => Promise<OpenedStore>,
): Promise<OpenedStore> {
  try {
    return await make();
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Does not wait for a Redis that is away. One that turns out not to fit is never used: `/readyz` says so, and the log why. */
async function agreeOrLater(store: Store, terms: StoreTerms, log: Logger): Promise<void> {
  try {
    await store.agree(terms, (refusal) => log.error("store.refused", { reason: refusal.message }));
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    log.warn("store.away_at_start", { reason: error.message });
  }
}

async function keyIdsOf([first, ...others]: Keys): Promise<StoreTerms["keyIds"]> {
  return [await keyIdOf(first), ...await Promise.all(others.map(keyIdOf))];
}

/**
 * Nothing of a database in memory outlives the process, so neither need its key. A file's key stands beside it; a new one
 * is made only for a new database: it could not open what the lost one sealed.
 */
async function embeddedKey(path: string, store: SqliteStore): Promise<Uint8Array> {
  if (path === ":memory:") return createEncryptionKey();
  const keyPath = `${path}.key`;
  const existing = await readKeyFile(keyPath);
  if (existing !== null) return existing;
  if (await store.isBegun()) {
    // Another process may have made both since.
    const made = await readKeyFile(keyPath);
    if (made !== null) return made;
    throw new MissingKeyFile(keyPath);
  }
  return await loadOrCreateKeyFile(keyPath);
}
