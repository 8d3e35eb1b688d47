/** The Upstash endpoint when its Redis is away or hangs, planned faults, and the program. */
import assert from "node:assert/strict";
import { Redis } from "@upstash/redis";
import { startRedisServer } from "../../../simulator/kit/redis_server.ts";
import { createInbox } from "../../../simulator/kit/inbox.ts";
import { startProgram } from "../../support/program_process.ts";
import { redisTest } from "../../support/needs_redis.ts";
import { startUpstashEndpoint } from "../../../simulator/upstash/endpoint.ts";
import { setUp, TOKEN } from "./setup.ts";

redisTest(
  "while Redis is away every request is answered 503 at once, and served when it is back",
  async () => {
    await using setup = await setUp({ redisTimeoutMs: 10_000 });
    const redis = setup.client();
    await redis.set("a", 1);

    await setup.server.kill();
    for (let i = 0; i < 3; i++) {
      const startedAt = performance.now();
      const answer = await setup.call("/get/a");
      assert.equal(answer.status, 503);
      assert.match((await answer.json()).error, /^Redis did not answer: /);
      assert.ok(performance.now() - startedAt < 4_000);
    }
    await assert.rejects(redis.get("a"), /Redis did not answer/);
    await setup.server.restart();

    assert.equal(await redis.set("a", 2), "OK");
  },
);

redisTest("a Redis that hangs is answered for with 503 when its time is over", async () => {
  await using setup = await setUp({ redisTimeoutMs: 1_000 });

  setup.server.pause();
  const startedAt = performance.now();
  const answer = await setup.call("/get/a");

  assert.equal(answer.status, 503);
  assert.equal((await answer.json()).error, "Redis did not answer: no answer within 1000 ms");
  const tookMs = performance.now() - startedAt;
  assert.ok(tookMs >= 990 && tookMs < 5_000, `${tookMs} ms`);
});

redisTest("planned faults lose a command before or after it was carried out", async () => {
  await using setup = await setUp();
  const post = (command: string[]) =>
    setup.call("/", { method: "POST", body: JSON.stringify(command) });

  setup.endpoint.faults.next("reset");
  await assert.rejects(post(["INCR", "before"]));
  setup.endpoint.faults.next("reset", { when: "after-acting" });
  await assert.rejects(post(["INCR", "after"]));
  setup.endpoint.faults.next({ kind: "status", status: 500, body: "broken" });
  assert.equal(await (await post(["INCR", "before"])).text(), "broken");

  assert.deepEqual(await setup.run("MGET", "before", "after"), { result: [null, "1"] });
  assert.deepEqual(setup.endpoint.commands, [["INCR", "after"], ["MGET", "before", "after"]]);
  assert.equal(setup.endpoint.requests.items.length, 4);
});

redisTest("startUpstashEndpoint() fails when there is no Redis to begin with", async () => {
  const server = await startRedisServer();
  await server.stop();
  await assert.rejects(
    startUpstashEndpoint({ redisUrl: server.url, token: TOKEN }),
    /the connection failed: ECONNREFUSED/,
  );
});

redisTest(
  "`deno task upstash` prints what the client needs and stops its Redis with itself",
  async () => {
    const lines = createInbox<string>("line");
    await using program = startProgram({
      main: "simulator/upstash/main.ts",
      args: ["--port", "0"],
      onLine: lines.add,
    });
    const said = await lines.until("its last line", (all) => {
      const text = all.join("\n");
      return text.includes("Ctrl-C") ? text : undefined;
    });
    const [, url] = /^export UPSTASH_REDIS_REST_URL=(\S+)$/m.exec(said) ?? [];
    const [, token] = /^export UPSTASH_REDIS_REST_TOKEN=(\S+)$/m.exec(said) ?? [];
    const [, redisPort] = /redis:\/\/127\.0\.0\.1:(\d+)/.exec(said) ?? [];
    assert.match(said, /development tool/);

    assert.equal(await new Redis({ url, token }).ping(), "PONG");

    assert.equal((await program.stop()).code, 0);
    await assert.rejects(Deno.connect({ hostname: "127.0.0.1", port: Number(redisPort) }));
  },
);
