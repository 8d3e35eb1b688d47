import type { Store } from "../../services/store/port/store.ts";
import { openRedisStore } from "../../services/store/redis/store.ts";
import { openSqliteStore } from "../../services/store/sqlite/store.ts";
import { createPatientTransport } from "./patient_transport.ts";
import { POLICY } from "./drafts.ts";
import { startRedisServer } from "../../simulator/kit/redis_server.ts";
import { redisTest } from "./needs_redis.ts";

/** The embedded store, in memory. */
export function openSmsTestStore(policy = POLICY): Store {
  return openSqliteStore({ path: ":memory:", sync: "normal", policy });
}

/** A test of what a store is needed for, on both engines; Redis, in three shards, only where it is. `run` closes the store. */
export function onEachSmsStore(name: string, run: (store: Store) => Promise<void>): void {
  Deno.test(`${name} (SQLite)`, () => run(openSmsTestStore()));
  redisTest(`${name} (Redis)`, async () => {
    await using redis = await startRedisServer();
    const transport = createPatientTransport(redis.url);
    await run(openRedisStore({ transport, shards: 3, policy: POLICY }));
  });
}
