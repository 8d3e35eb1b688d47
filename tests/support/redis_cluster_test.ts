import assert from "node:assert/strict";
import { startRedisCluster } from "./redis_cluster.ts";
import { redisTest } from "./needs_redis.ts";

redisTest("startRedisCluster() gives three nodes that serve every slot between them", async () => {
  await using cluster = await startRedisCluster();
  const [first, second, third] = cluster.masters;

  assert.equal(await cluster.ownerOf("pb:{2}:x"), first);
  assert.equal(await cluster.ownerOf("pb:{1}:x"), second);
  assert.equal(await cluster.ownerOf("pb:{0}:x"), third);
  assert.equal(cluster.url, first?.server.url);
  assert.match(await first?.server.cli("SET", "pb:{2}:x", "1") ?? "", /OK/);
  await assert.rejects(first?.server.cli("SET", "pb:{0}:x", "1") ?? Promise.resolve(), /MOVED/);
});
