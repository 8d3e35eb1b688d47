import assert from "node:assert/strict";
import { startRedisCluster } from "../support/redis_cluster.ts";
import { redisTest } from "../support/needs_redis.ts";
import { statusChange } from "./notifications.ts";
import { startWorld } from "./world.ts";

const SESSIONS = 12;

redisTest(
  "REDIS_URL may name a node of a cluster, whose nodes then share the sessions",
  async () => {
    await using cluster = await startRedisCluster();
    await using world = await startWorld({
      env: {
        REDIS_URL: cluster.url,
        STORE_SHARDS: "3",
        ENCRYPTION_KEY: new Uint8Array(32).fill(7).toBase64(),
      },
      [Symbol.asyncDispose]: () => cluster.stop(),
    });
    const consumer = await world.consumer();
    const agent = await world.agent("agent-1");
    const sessions = Array.from({ length: SESSIONS }, world.freshSession);

    for (const session of sessions) {
      assert.equal((await agent.accept(session)).status, 200);
      assert.equal((await world.notify(statusChange(session, "Chatting"))).status, 202);
    }

    for (const session of sessions) {
      await consumer.received(session, "session.accepted", 1);
      await consumer.received(session, "session.status_changed", 2);
    }
    const list = await agent.get(`/v1/sessions?limit=${SESSIONS + 1}`);
    assert.equal(list.text.match(/"sequence":2\b/g)?.length, SESSIONS);
    for (const { server } of cluster.masters) {
      assert.ok(Number(await server.cli("DBSIZE")) > 10, "each node has its part");
    }
  },
);
