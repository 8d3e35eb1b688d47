import assert from "node:assert/strict";
import { createClientTransport } from "../../../../services/store/redis/client_transport.ts";
import { createRespTransport } from "../../../../services/store/redis/resp_transport.ts";
import { defineScript, type RedisTransport } from "../../../../services/store/redis/transport.ts";
import { createUpstashTransport } from "../../../../services/store/redis/upstash_transport.ts";
import { startUpstashEndpoint } from "../../../../simulator/upstash/endpoint.ts";
import {
  type RedisServer,
  type RedisServerOptions,
  startRedisServer,
} from "../../../../simulator/kit/redis_server.ts";
import { redisTest } from "../../../support/needs_redis.ts";
import { refusal, SECRET, TOKEN, unavailable } from "./transport_errors.ts";
import { redisCommand } from "../../../support/redis_command.ts";

/** A transport to a Redis of its own. */
interface Setup extends AsyncDisposable {
  readonly transport: RedisTransport;
  readonly server: RedisServer;
}

const TRANSPORTS: Record<
  string,
  (deadlineMs?: number, options?: RedisServerOptions) => Promise<Setup>
> = {
  async "over RESP"(deadlineMs = 2000, options = {}) {
    const server = await startRedisServer(options);
    const transport = createRespTransport({ url: server.url, deadlineMs });
    return {
      transport,
      server,
      async [Symbol.asyncDispose]() {
        await transport.close();
        await server.stop();
      },
    };
  },
  async "over REST"(deadlineMs = 2000, options = {}) {
    const server = await startRedisServer(options);
    // Slower than the transport's deadline, so that it is the transport that gives up.
    const endpoint = await startUpstashEndpoint({
      redisUrl: server.url,
      token: TOKEN,
      redisTimeoutMs: 2 * deadlineMs,
    });
    const transport = createUpstashTransport({ url: endpoint.url, token: TOKEN, deadlineMs });
    return {
      transport,
      server,
      async [Symbol.asyncDispose]() {
        await transport.close();
        await endpoint.close();
        await server.stop();
      },
    };
  },
};

const TEXTS = [
  "007",
  "true",
  "null",
  String(2n ** 60n),
  "-1e400",
  '{"a": 1}',
  "Zoë 👩‍👩‍👧 \u{1F600}",
  "OK",
  "",
  "\ufeffafter a byte order mark",
  "line\r\nline\u0000end",
];

const ECHO = defineScript("echo_all", "return {KEYS[1], ARGV[1], #ARGV, false, {ok = 'OK'}}");
const FAIL = defineScript("fail_it", "return redis.error_reply('STALE ' .. ARGV[1])");

for (const [name, setUp] of Object.entries(TRANSPORTS)) {
  redisTest(`${name} a text comes back as the same text`, async () => {
    await using setup = await setUp();
    const { transport } = setup;
    for (const text of TEXTS) {
      assert.equal(await redisCommand(transport, ["SET", "k", text]), "OK");
      assert.equal(await redisCommand(transport, ["GET", "k"]), text);
      assert.deepEqual(await redisCommand(transport, ["MGET", "k", "-", "k"]), [text, null, text]);
    }
  });

  redisTest(`${name} replies have the shapes of RESP 2`, async () => {
    await using setup = await setUp();
    const { transport } = setup;

    assert.deepEqual(
      await transport.pipeline([
        ["HSET", "h", "a", "1"],
        ["HGETALL", "h"],
        ["ZADD", "z", "1.5", "m"],
        ["ZRANGE", "z", "0", "-1", "WITHSCORES"],
        ["ZSCORE", "z", "m"],
        ["GET", "-"],
        ["SISMEMBER", "-", "x"],
        ["EVAL", "return {true, false, 1.9, {{}}}", "0"],
        ["EVAL", "return {{err = 'ERR inside'}}", "0"],
      ]),
      [1, ["a", "1"], 1, ["m", "1.5"], "1.5", null, 0, [1, null, 1, [[]]], ["ERR inside"]],
    );
    assert.deepEqual(await transport.pipeline([]), []);
  });

  redisTest(
    `${name} a script runs by its hash, and by its text where that is not known`,
    async () => {
      await using setup = await setUp();
      const { transport, server } = setup;
      const calls = async () => {
        const stats = await server.cli("INFO", "commandstats");
        return ["eval", "evalsha"].map((command) =>
          Number(new RegExp(`^cmdstat_${command}:calls=(\\d+)`, "m").exec(stats)?.[1] ?? 0)
        );
      };
      const run = () => transport.script(ECHO, ["k"], ["007", "b"]);

      assert.deepEqual(await run(), ["k", "007", 2, null, "OK"]);
      assert.deepEqual(await run(), ["k", "007", 2, null, "OK"]);
      assert.deepEqual(await calls(), [1, 2]);
      await server.cli("SCRIPT", "FLUSH");
      assert.deepEqual(await run(), ["k", "007", 2, null, "OK"]);
      assert.deepEqual(await calls(), [2, 3]);
    },
  );

  redisTest(
    `${name} an error reply is told by its first word and the script's name alone`,
    async () => {
      await using setup = await setUp();
      const { transport } = setup;
      await redisCommand(transport, ["SET", "k", SECRET]);

      await assert.rejects(
        transport.script(FAIL, [], [SECRET]),
        refusal("STALE", "fail_it", "Redis refused script fail_it: STALE"),
      );
      await assert.rejects(
        redisCommand(transport, ["HGET", "k", SECRET]),
        refusal("WRONGTYPE", null, "Redis refused HGET: WRONGTYPE"),
      );
      await assert.rejects(
        redisCommand(transport, ["nonesuch", SECRET]),
        refusal("ERR", null, "Redis refused NONESUCH: ERR"),
      );
      await assert.rejects(
        transport.pipeline([["INCR", "n"], ["INCR", "k"], ["INCR", "n"]]),
        refusal("ERR", null, "Redis refused INCR: ERR"),
      );
      assert.equal(await redisCommand(transport, ["GET", "n"]), "2");
    },
  );

  redisTest(`${name} a Redis without memory is unavailable`, async () => {
    await using setup = await setUp(2000, { args: ["--maxmemory", "1"] });
    const write = defineScript("write_it", "return redis.call('SET', KEYS[1], ARGV[1])");

    await assert.rejects(
      setup.transport.script(write, ["k"], [SECRET]),
      unavailable("run script write_it", "Redis refused script write_it: OOM"),
    );
  });

  redisTest(
    `${name} a Redis that is away is unavailable at once, and found when it is back`,
    async () => {
      await using setup = await setUp(10_000);
      const { transport, server } = setup;
      await redisCommand(transport, ["PING"]);

      await server.kill();
      for (let i = 0; i < 2; i++) {
        const startedAt = performance.now();
        await assert.rejects(redisCommand(transport, ["SET", "k", SECRET]), unavailable("run SET"));
        // Far from the deadline.
        assert.ok(performance.now() - startedAt < 4_000);
      }
      await server.restart();

      await eventually(() => redisCommand(transport, ["PING"]));
    },
  );

  redisTest(`${name} a Redis that hangs is unavailable when the deadline is over`, async () => {
    await using setup = await setUp(1_000);
    const { transport, server } = setup;
    await redisCommand(transport, ["PING"]);

    server.pause();
    const startedAt = performance.now();
    await assert.rejects(
      transport.script(FAIL, [], [SECRET]),
      unavailable("run script fail_it", "no answer within 1000 ms"),
    );
    const tookMs = performance.now() - startedAt;
    server.resume();

    assert.ok(tookMs >= 990 && tookMs < 5_000, `${tookMs} ms`);
    assert.equal(await redisCommand(transport, ["PING"]), "PONG");
  });

  redisTest(`${name} a closed transport is unavailable`, async () => {
    await using setup = await setUp();
    await redisCommand(setup.transport, ["PING"]);
    await setup.transport.close();
    await setup.transport.close();
    await assert.rejects(
      redisCommand(setup.transport, ["PING"]),
      unavailable("run PING", "the transport was closed"),
    );
  });
}

Deno.test("a failure that nobody thought of is told by its name alone", async () => {
  const transport = createClientTransport({
    exchange: () => Promise.reject(new RangeError(`Cannot send ${SECRET}`)),
    close: async () => {},
  });

  await assert.rejects(
    redisCommand(transport, ["GET", SECRET]),
    unavailable("run GET", "RangeError"),
  );
  await assert.rejects(
    transport.pipeline([["GET", SECRET], ["GET", SECRET]]),
    unavailable("run a pipeline of 2", "RangeError"),
  );
});

/** Repeats until it succeeds: after a failure the link waits a random while of at most 1 s before it connects again. */
async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + 3000;
  while (true) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
    }
  }
}
