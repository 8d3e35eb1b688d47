import { createRespTransport } from "../../../../services/store/redis/resp_transport.ts";
import { openRedisStore } from "../../../../services/store/redis/store.ts";
import type { RedisTransport } from "../../../../services/store/redis/transport.ts";
import { createUpstashTransport } from "../../../../services/store/redis/upstash_transport.ts";
import { startUpstashEndpoint } from "../../../simulator/upstash/endpoint.ts";
import { ignoredWithoutRedis, startRedisServer } from "../../../support/redis_server.ts";
import { testStoreContract } from "../contract/suite.ts";
import { POLICY } from "../drafts.ts";

const ignore = ignoredWithoutRedis();

async function openWith(
  shards: number,
  connect: (redisUrl: string, started: AsyncDisposableStack) => Promise<RedisTransport>,
) {
  const started = new AsyncDisposableStack();
  const redis = started.use(await startRedisServer());
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
