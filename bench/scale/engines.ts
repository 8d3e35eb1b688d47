import { DatabaseSync } from "node:sqlite";
import { createRespTransport } from "../../services/store/redis/resp_transport.ts";
import { openRedisStore } from "../../services/store/redis/store.ts";
import { createUpstashTransport } from "../../services/store/redis/upstash_transport.ts";
import { openSqliteStore } from "../../services/store/sqlite/store.ts";
import type { Store } from "../../services/store/port/store.ts";
import { startUpstashEndpoint } from "../../simulator/upstash/endpoint.ts";
import { redisEnv } from "../../tests/support/patchbay_for_load.ts";
import { type RedisServer, startRedisServer } from "../../simulator/kit/redis_server.ts";
import { describeKeys } from "./key_bytes.ts";

export const ENGINES = ["sqlite", "redis", "upstash"] as const;
export type EngineName = (typeof ENGINES)[number];

/** A store to be filled, and a way to tell how much it holds. */
export interface Engine {
  readonly store: Store;
  /** What makes a Patchbay use the same data. */
  readonly env: Readonly<Record<string, string>>;
  /** Bytes that the data takes: of memory in Redis, of the file in SQLite. */
  bytes(): Promise<number>;
  /** What its keys take, in words; null for an engine without keys. */
  readonly describeKeys: (() => Promise<string>) | null;
}

const POLICY = { sessionTtlMs: 7 * 86_400_000, eventRetentionMs: 30 * 86_400_000 };
const TOKEN = "scale";

/** Starts an engine with nothing in it; `started` ends it and removes its data. */
export async function startEngine(
  name: EngineName,
  started: AsyncDisposableStack,
): Promise<Engine> {
  if (name === "sqlite") {
    const dir = await Deno.makeTempDir({ prefix: "scale-" });
    started.defer(() => Deno.remove(dir, { recursive: true }));
    const path = `${dir}/patchbay.db`;
    const store = openSqliteStore({ path, sync: "normal", policy: POLICY });
    started.defer(() => store.close());
    return {
      store,
      env: { SQLITE_PATH: path },
      bytes: () => sizeOf(path),
      describeKeys: null,
    };
  }
  const redis = started.use(await startRedisServer());
  const transport = name === "redis"
    ? createRespTransport({ url: redis.url })
    : createUpstashTransport({
      url: started.use(await startUpstashEndpoint({ redisUrl: redis.url, token: TOKEN })).url,
      token: TOKEN,
    });
  const store = openRedisStore({ transport, shards: 1, policy: POLICY });
  started.defer(() => store.close());
  return {
    store,
    env: redisEnv(redis.url),
    bytes: () => memoryOf(redis),
    describeKeys: () => describeKeys(redis),
  };
}

/** Of the file, with nothing left in the log. */
async function sizeOf(path: string): Promise<number> {
  const db = new DatabaseSync(path, { timeout: 5_000 });
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
  return (await Deno.stat(path)).size;
}

async function memoryOf(redis: RedisServer): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await redis.cli("INFO", "memory"))?.[1]);
}
