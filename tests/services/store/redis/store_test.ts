import assert from "node:assert/strict";
import { openRedisStore } from "../../../../services/store/redis/store.ts";
import type { RedisTransport } from "../../../../services/store/redis/transport.ts";
import { createUpstashTransport } from "../../../../services/store/redis/upstash_transport.ts";
import { startUpstashEndpoint } from "../../../../simulator/upstash/endpoint.ts";
import { startRedisServer } from "../../../../simulator/kit/redis_server.ts";
import { ignoredWithoutRedis, redisTest } from "../../../support/needs_redis.ts";
import { testStoreContract } from "../contract/suite.ts";
import { claimDeliveries, draft, POLICY, publish, T0, webhook } from "../../../support/drafts.ts";
import {
  createPatientTransport,
  keptOpen,
  PATIENT_MS,
} from "../../../support/patient_transport.ts";
import { redisCommand } from "../../../support/redis_command.ts";

const ignore = ignoredWithoutRedis();

/** Both ways to one Redis. */
interface Ways extends AsyncDisposable {
  readonly resp: RedisTransport;
  readonly rest: RedisTransport;
}

// One for the file: starting it, and connecting to it, takes longer than most of the tests.
let ways: Ways | null = null;

Deno.test.beforeAll(async () => {
  if (!ignore) ways = await findWays();
});

Deno.test.afterAll(async () => {
  await ways?.[Symbol.asyncDispose]();
});

async function findWays(): Promise<Ways> {
  await using started = new AsyncDisposableStack();
  const { url: redisUrl } = started.use(await startRedisServer());
  const redisTimeoutMs = PATIENT_MS;
  const endpoint = started.use(
    await startUpstashEndpoint({ redisUrl, token: "test", redisTimeoutMs }),
  );
  const resp = createPatientTransport(redisUrl);
  const rest = createUpstashTransport({
    url: endpoint.url,
    token: "test",
    deadlineMs: PATIENT_MS,
  });
  for (const transport of [resp, rest]) {
    started.defer(() => transport.close());
    await redisCommand(transport, ["PING"]);
  }
  const all = started.move();
  return { resp, rest, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** An empty store in the shared Redis. */
async function openBy(way: "resp" | "rest", shards: number) {
  assert.ok(ways !== null);
  await redisCommand(ways.resp, ["FLUSHALL"]);
  const store = openRedisStore({ transport: keptOpen(ways[way]), shards, policy: POLICY });
  return { store, [Symbol.asyncDispose]: () => store.close() };
}

testStoreContract({
  name: "Redis over Upstash's REST",
  ignore,
  open: () => openBy("rest", 1),
});

testStoreContract({
  name: "Redis over RESP",
  ignore,
  open: () => openBy("resp", 1),
});

testStoreContract({
  name: "Redis over RESP in three shards",
  ignore,
  shards: 3,
  open: () => openBy("resp", 3),
});

redisTest("a claim that is repeated with its token gives what it took, uninterrupted", async () => {
  await using opened = await openBy("resp", 1);
  const { store } = opened;
  await publish(store, [
    draft({ webhooks: [webhook("wh_1")] }),
    draft({ webhooks: [webhook("wh_2")] }),
  ]);
  const lost = await claimDeliveries(store, T0, { leaseToken: "L" });
  const again = await claimDeliveries(store, T0 + 1_000, { leaseToken: "L" });
  assert.deepEqual(again.deliveries, lost.deliveries);
  assert.deepEqual(again.deliveries.map(({ attempt, interrupted }) => [attempt, interrupted]), [
    [1, false],
    [1, false],
  ]);
  assert.deepEqual((await claimDeliveries(store, T0 + 1_000)).deliveries, []);
});

redisTest("listing goes past deliveries that Redis has let expire", async () => {
  await using redis = await startRedisServer();
  const transport = createPatientTransport(redis.url);
  const store = openRedisStore({ transport, shards: 1, policy: POLICY });
  const drafts = Array.from({ length: 30 }, () => draft({ webhooks: [webhook("wh_1")] }));
  await publish(store, drafts);
  const { items } = await store.listDeliveries({ limit: 100 });
  for (const { id } of items.slice(0, 20)) await redisCommand(transport, ["DEL", `pb:{0}:d:${id}`]);
  const page = await store.listDeliveries({ limit: 5 });
  assert.deepEqual(page.items.map(({ id }) => id), items.slice(20, 25).map(({ id }) => id));
  assert.equal(page.nextCursor, items[24]?.id);
  await store.close();
});

redisTest(
  "a version of the list of webhooks does not come back when Redis was emptied",
  async () => {
    await using redis = await startRedisServer();
    const transport = createPatientTransport(redis.url);
    const store = openRedisStore({ transport, shards: 1, policy: POLICY });
    // Many at once: a version that a millisecond has one of would run ahead of the clock.
    await Promise.all(
      Array.from({ length: 200 }, (_, at) => store.putWebhook({ id: `wh_${at}`, json: "{}" })),
    );
    const { version: remembered } = await store.listWebhooks();
    await redis.cli("FLUSHALL");
    await store.putWebhook({ id: "wh_new", json: "{}" });
    const { version } = await store.listWebhooks();
    assert.ok(version > remembered, `${version} after ${remembered}`);
    const stale = await store.publish({
      drafts: [draft()],
      nowMs: T0,
      webhooksVersion: remembered,
    });
    assert.equal(stale.outcome, "stale-webhooks");
    await store.close();
  },
);
