import assert from "node:assert/strict";
import { createRespTransport } from "../../../../services/store/redis/resp_transport.ts";
import { openRedisStore } from "../../../../services/store/redis/store.ts";
import type { RedisTransport } from "../../../../services/store/redis/transport.ts";
import { createUpstashTransport } from "../../../../services/store/redis/upstash_transport.ts";
import { startUpstashEndpoint } from "../../../../simulator/upstash/endpoint.ts";
import { type RedisServer, startRedisServer } from "../../../../simulator/kit/redis_server.ts";
import { ignoredWithoutRedis, redisTest } from "../../../support/needs_redis.ts";
import { testStoreContract } from "../contract/suite.ts";
import { claimDeliveries, draft, POLICY, publish, T0, webhook } from "../../../support/drafts.ts";
import { redisCommand } from "../../../support/redis_command.ts";

const ignore = ignoredWithoutRedis();

// One for the file: starting it takes longer than most of the tests.
let redis: RedisServer | null = null;

Deno.test.beforeAll(async () => {
  if (!ignore) redis = await startRedisServer();
});

Deno.test.afterAll(async () => {
  await redis?.stop();
});

/** An empty store in the shared Redis. */
async function openWith(
  shards: number,
  connect: (redisUrl: string, started: AsyncDisposableStack) => Promise<RedisTransport>,
) {
  assert.ok(redis !== null);
  await redis.cli("FLUSHALL");
  const started = new AsyncDisposableStack();
  const transport = await connect(redis.url, started);
  const store = openRedisStore({ transport, shards, policy: POLICY });
  started.defer(() => store.close());
  return { store, [Symbol.asyncDispose]: async () => await started.disposeAsync() };
}

testStoreContract({
  name: "Redis over Upstash's REST",
  ignore,
  open: () =>
    openWith(1, async (redisUrl, started) => {
      const endpoint = started.use(await startUpstashEndpoint({ redisUrl, token: "test" }));
      return createUpstashTransport({ url: endpoint.url, token: "test" });
    }),
});

testStoreContract({
  name: "Redis over RESP",
  ignore,
  open: () => openWith(1, (url) => Promise.resolve(createRespTransport({ url }))),
});

testStoreContract({
  name: "Redis over RESP in three shards",
  ignore,
  shards: 3,
  open: () => openWith(3, (url) => Promise.resolve(createRespTransport({ url }))),
});

redisTest("a claim that is repeated with its token gives what it took, uninterrupted", async () => {
  await using opened = await openWith(1, (url) => Promise.resolve(createRespTransport({ url })));
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
  const transport = createRespTransport({ url: redis.url });
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
    const transport = createRespTransport({ url: redis.url });
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
