import assert from "node:assert/strict";
import { StoreUnavailable } from "../../../../services/errors.ts";
import type { Store } from "../../../../services/store/port/store.ts";
import { createRespTransport } from "../../../../services/store/redis/resp_transport.ts";
import { createShards } from "../../../../services/store/redis/shards.ts";
import { openRedisStore } from "../../../../services/store/redis/store.ts";
import {
  type ClusterNode,
  type RedisCluster,
  startRedisCluster,
} from "../../../support/redis_cluster.ts";
import { ignoredWithoutRedis, redisTest } from "../../../support/needs_redis.ts";
import { draft, POLICY, publish, T0 } from "../../../support/drafts.ts";

const SHARDS = 3;
const ANSWERED_WITHIN_MS = 2_000;
const BACK_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 25;
/** So that the absence of one node is not seen at the others. */
const PARTIAL = ["--cluster-require-full-coverage", "no"];

type ClusterCheck = (cluster: RedisCluster, store: Store) => Promise<void>;

// One for the file, as starting it takes seconds; each test leaves it as it was.
let shared: RedisCluster | null = null;

Deno.test.beforeAll(async () => {
  if (!ignoredWithoutRedis()) shared = await startRedisCluster({ args: PARTIAL });
});

Deno.test.afterAll(async () => {
  await shared?.stop();
});

/** A test of a store in the shared cluster, which is empty. */
function clusterTest(name: string, check: ClusterCheck): void {
  redisTest(name, async () => {
    assert.ok(shared !== null);
    await shared.whenOk();
    await shared.flush();
    await withStore(shared, check);
  });
}

async function withStore(cluster: RedisCluster, check: ClusterCheck): Promise<void> {
  const store = openOver(cluster.url);
  try {
    await check(cluster, store);
  } finally {
    await store.close();
  }
}

function openOver(url: string): Store {
  return openRedisStore({
    transport: createRespTransport({ url }),
    shards: SHARDS,
    policy: POLICY,
  });
}

/** A session of a shard, all of whose keys have the hash tag `{shard}`. */
function sessionOn(shard: number): string {
  const nowhere = createRespTransport({ url: "redis://127.0.0.1:1" });
  const { of } = createShards(nowhere, SHARDS, POLICY);
  for (let at = 0;; at++) if (of(`session-${at}`) === shard) return `session-${at}`;
}

/** The sequence that an event of the session gets; the list of webhooks stays empty. */
async function publishOn(store: Store, shard: number): Promise<number | null | undefined> {
  const drafts = [draft({ sessionId: sessionOn(shard) })];
  const result = await store.publish({ drafts, nowMs: T0, webhooksVersion: 0 });
  assert.equal(result.outcome, "published");
  return result.outcome === "published" ? result.events[0]?.sequence : undefined;
}

async function assertUnavailable(attempt: Promise<unknown>, reason?: RegExp): Promise<void> {
  const startedMs = performance.now();
  await assert.rejects(attempt, (error) => {
    assert.ok(error instanceof StoreUnavailable, String(error));
    if (reason !== undefined) assert.match(String(error.cause), reason);
    return true;
  });
  const tookMs = performance.now() - startedMs;
  assert.ok(tookMs < ANSWERED_WITHIN_MS, `answered after ${Math.round(tookMs)} ms`);
}

/** Repeats until it succeeds; each failure has to come in time, too. */
async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  const giveUpAtMs = performance.now() + BACK_WITHIN_MS;
  while (true) {
    const startedMs = performance.now();
    try {
      return await attempt();
    } catch (error) {
      assert.ok(error instanceof StoreUnavailable, String(error));
      assert.ok(performance.now() - startedMs < ANSWERED_WITHIN_MS);
      if (performance.now() > giveUpAtMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }
}

/** A slot on its way from one node to another, step by step as `redis-cli --cluster reshard` does it. */
function moveOf(slot: string, from: ClusterNode, to: ClusterNode) {
  const set = ({ server }: ClusterNode, ...words: string[]) =>
    server.cli("CLUSTER", "SETSLOT", slot, ...words);
  return {
    async begin() {
      await set(to, "IMPORTING", from.id);
      await set(from, "MIGRATING", to.id);
    },
    async keys() {
      const keys = (await from.server.cli("CLUSTER", "GETKEYSINSLOT", slot, "1000")).split("\n");
      const address = ["127.0.0.1", String(to.server.port)];
      await from.server.cli("MIGRATE", ...address, "", "0", "5000", "KEYS", ...keys);
    },
    async end() {
      await set(to, "NODE", to.id);
      await set(from, "NODE", to.id);
    },
  };
}

function keysIn(slot: string, { server }: ClusterNode): Promise<string> {
  return server.cli("CLUSTER", "COUNTKEYSINSLOT", slot);
}

clusterTest(
  "while a shard's slot moves, the shard is unavailable and stays whole",
  async (cluster, store) => {
    const from = await cluster.ownerOf("pb:{1}:");
    const to = await cluster.ownerOf("pb:{2}:");
    const slot = await from.server.cli("CLUSTER", "KEYSLOT", "pb:{1}:");
    assert.equal(await publishOn(store, 1), 1);

    const there = moveOf(slot, from, to);
    await there.begin();
    await assertUnavailable(publishOn(store, 1), /Redis refused script publish: ASK/);
    // A script run on the new node would have seen an empty shard there, and begun to count anew.
    assert.equal(await keysIn(slot, to), "0");
    assert.equal(await publishOn(store, 0), 1);
    await there.keys();
    await assertUnavailable(publishOn(store, 1), /ASK/);
    await there.end();

    // The first to come is told of the new node and goes on there.
    assert.equal(await publishOn(store, 1), 2);
    assert.equal(await keysIn(slot, from), "0");

    const back = moveOf(slot, to, from);
    await back.begin();
    await back.keys();
    await back.end();
    assert.equal(await publishOn(store, 1), 3);
  },
);

clusterTest(
  "while a node hangs its shard is unavailable in time, and the others serve",
  async (cluster, store) => {
    const node = await cluster.ownerOf("pb:{1}:");
    assert.equal(await publishOn(store, 1), 1);

    node.server.pause();
    const hung = assertUnavailable(publishOn(store, 1), /no answer within 1500 ms/);
    assert.equal(await publishOn(store, 0), 1);
    await hung;
    await assertUnavailable(store.ping());
    node.server.resume();

    // What was on its way when it hung may be carried out now.
    assert.ok(Number(await eventually(() => publishOn(store, 1))) >= 2);
  },
);

clusterTest(
  "a cluster whose nodes have forgotten the scripts learns them anew, each node",
  async (cluster, store) => {
    for (const shard of [0, 1, 2]) assert.equal(await publishOn(store, shard), 1);
    for (const { server } of cluster.masters) await server.cli("SCRIPT", "FLUSH");
    for (const shard of [0, 1, 2]) assert.equal(await publishOn(store, shard), 2);
  },
);

clusterTest(
  "a user of its own reaches all nodes of a cluster, and a stranger none",
  async (cluster) => {
    for (const { server } of cluster.masters) {
      await server.cli("ACL", "SETUSER", "patch-bay", "on", ">p@ss", "~pb:*", "+@all");
    }
    const as = (user: string) => openOver(cluster.url.replace("//", `//${user}@`));

    const known = as("patch-bay:p%40ss");
    for (const shard of [0, 1, 2]) assert.equal(await publishOn(known, shard), 1);
    await known.close();

    const stranger = as("patch-bay:guess");
    await assertUnavailable(publishOn(stranger, 0), /WRONGPASS/);
    await stranger.close();
  },
);

clusterTest("a node that comes back empty wedges nothing", async (cluster, store) => {
  // The first shard keeps the list of webhooks; the others know its version, and now a later one than it has.
  await store.putWebhook({ id: "wh_lost", json: "{}" });
  const { version } = await store.listWebhooks();
  await (await cluster.ownerOf("pb:{0}:")).server.cli("FLUSHALL");

  const after = await store.listWebhooks();
  assert.deepEqual(after.webhooks, []);
  assert.notEqual(after.version, version);
  for (const shard of [0, 1, 2]) {
    await publish(store, [draft({ sessionId: sessionOn(shard) })]);
    // Whoever remembers the list of before the loss is told that it is stale.
    const drafts = [draft({ sessionId: sessionOn(shard) })];
    const remembered = await store.publish({ drafts, nowMs: T0, webhooksVersion: version });
    assert.equal(remembered.outcome, "stale-webhooks");
  }
});

redisTest(
  "when a master dies its replica is found, also where REDIS_URL names the master",
  async () => {
    await using cluster = await startRedisCluster({ replicas: true, args: PARTIAL });
    await withStore(cluster, async (cluster, store) => {
      const [master] = cluster.masters;
      assert.equal(cluster.url, master?.server.url);
      assert.equal(await cluster.ownerOf("pb:{2}:"), master);
      assert.equal(await publishOn(store, 2), 1);
      await master?.server.cli("WAIT", "1", "10000");

      await master?.server.kill();
      await assertUnavailable(publishOn(store, 2));

      assert.equal(await eventually(() => publishOn(store, 2)), 2);
      assert.equal(await cluster.ownerOf("pb:{2}:"), cluster.replicas[0]);
    });
  },
);

redisTest("while a node is restarted its shard is unavailable, and the others serve", async () => {
  await using cluster = await startRedisCluster({ appendOnly: true, args: PARTIAL });
  await withStore(cluster, async (cluster, store) => {
    const node = await cluster.ownerOf("pb:{1}:");
    assert.equal(await publishOn(store, 1), 1);

    await node.server.kill();
    await assertUnavailable(publishOn(store, 1));
    await assertUnavailable(publishOn(store, 1));
    assert.equal(await publishOn(store, 0), 1);
    await node.server.restart();

    assert.equal(await eventually(() => publishOn(store, 1)), 2);
    await store.ping();
  });
});
