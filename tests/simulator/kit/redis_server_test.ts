/** Real Redis servers as tests and development start them. */
import assert from "node:assert/strict";
import { startRedisServer } from "../../../simulator/kit/redis_server.ts";
import { redisTest } from "../../support/needs_redis.ts";

redisTest("startRedisServer() gives a server that answers and keeps nothing on disk", async () => {
  await using server = await startRedisServer();

  assert.equal(await server.cli("PING"), "PONG");
  assert.equal(await server.cli("CONFIG", "GET", "save"), "save\n");
  assert.equal(await server.cli("CONFIG", "GET", "appendonly"), "appendonly\nno");
  assert.equal(server.url, `redis://127.0.0.1:${server.port}`);
});

redisTest("startRedisServer() passes further arguments on", async () => {
  await using server = await startRedisServer({ args: ["--maxmemory", "2mb"] });

  assert.equal(await server.cli("CONFIG", "GET", "maxmemory"), "maxmemory\n2097152");
});

redisTest("restart() after kill() finds what was written, on the same port", async () => {
  await using server = await startRedisServer({ appendOnly: true });
  const { port } = server;
  await server.cli("SET", "kept", "1");

  await server.kill();
  await assert.rejects(server.cli("PING"), /Cannot run redis-cli PING/);
  await server.restart();

  assert.equal(server.port, port);
  assert.equal(await server.cli("GET", "kept"), "1");
});

redisTest("restart() of a server without persistence begins empty", async () => {
  await using server = await startRedisServer();
  await server.cli("SET", "lost", "1");

  await server.restart();

  assert.equal(await server.cli("GET", "lost"), "");
});

redisTest(
  "stop() removes the temporary directory, may be called twice and ends a paused server",
  async () => {
    const server = await startRedisServer();
    server.pause();

    const startedAt = performance.now();
    await server.stop();
    await server.stop();
    // It was resumed to end by itself, not waited for and killed.
    assert.ok(performance.now() - startedAt < 4000);

    await assert.rejects(Deno.stat(server.dir), Deno.errors.NotFound);
    await assert.rejects(Deno.connect({ hostname: "127.0.0.1", port: server.port }));
  },
);

redisTest("startRedisServer() says why a server did not start", async () => {
  await assert.rejects(
    startRedisServer({ args: ["--no-such-setting", "1"] }),
    /^Error: Cannot start redis-server on port \d+: [^]*no-such-setting/,
  );
});
