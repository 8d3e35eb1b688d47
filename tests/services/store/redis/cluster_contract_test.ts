import assert from "node:assert/strict";
import { openRedisStore } from "../../../../services/store/redis/store.ts";
import { type RedisCluster, startRedisCluster } from "../../../support/redis_cluster.ts";
import { ignoredWithoutRedis, redisTest } from "../../../support/needs_redis.ts";
import { testStoreContract } from "../contract/suite.ts";
import type { RedisTransport } from "../../../../services/store/redis/transport.ts";
import { createPatientTransport, keptOpen } from "../../../support/patient_transport.ts";
import { POLICY } from "../../../support/drafts.ts";

/** One for each node. */
const SHARDS = 3;

// One for the file: starting it takes longer than all of the contract, and connecting to it longer than each test.
let cluster: RedisCluster | null = null;
let transport: RedisTransport | null = null;

Deno.test.beforeAll(async () => {
  if (ignoredWithoutRedis()) return;
  cluster = await startRedisCluster();
  transport = createPatientTransport(cluster.url);
  // Connects to each node.
  await openRedisStore({ transport: keptOpen(transport), shards: SHARDS, policy: POLICY }).ping();
});

Deno.test.afterAll(async () => {
  await transport?.close();
  await cluster?.stop();
});

function running(): RedisCluster {
  assert.ok(cluster !== null);
  return cluster;
}

testStoreContract({
  name: "Redis Cluster of three nodes",
  ignore: ignoredWithoutRedis(),
  shards: SHARDS,
  async open() {
    await running().flush();
    assert.ok(transport !== null);
    const store = openRedisStore({
      transport: keptOpen(transport),
      shards: SHARDS,
      policy: POLICY,
    });
    return { store, [Symbol.asyncDispose]: () => store.close() };
  },
});

redisTest(
  "in a Redis Cluster each of the three nodes holds a shard of the contract's",
  async () => {
    const owners = await Promise.all(
      Array.from({ length: SHARDS }, (_, shard) => running().ownerOf(`pb:{${shard}}:`)),
    );
    assert.deepEqual(new Set(owners), new Set(running().masters));
  },
);
