import assert from "node:assert/strict";
import { StoreUnavailable } from "../../../../services/errors.ts";
import { createRespTransport } from "../../../../services/store/redis/resp_transport.ts";
import {
  defineScript,
  RedisReplyError,
  type RedisTransport,
} from "../../../../services/store/redis/transport.ts";
import { createUpstashTransport } from "../../../../services/store/redis/upstash_transport.ts";
import { startUpstashEndpoint } from "../../../simulator/upstash/endpoint.ts";
import {
  type RedisServer,
  type RedisServerOptions,
  redisTest,
  startRedisServer,
} from "../../../support/redis_server.ts";

const TOKEN = "a-token";
const SECRET = "+4915112345678";

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
      assert.equal(await transport.command(["SET", "k", text]), "OK");
      assert.equal(await transport.command(["GET", "k"]), text);
      assert.deepEqual(await transport.command(["MGET", "k", "-", "k"]), [text, null, text]);
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
      await transport.command(["SET", "k", SECRET]);

      await assert.rejects(
        transport.script(FAIL, [], [SECRET]),
        refusal("STALE", "fail_it", "Redis refused script fail_it: STALE"),
      );
      await assert.rejects(
        transport.command(["HGET", "k", SECRET]),
        refusal("WRONGTYPE", null, "Redis refused HGET: WRONGTYPE"),
      );
      await assert.rejects(
        transport.command(["nonesuch", SECRET]),
        refusal("ERR", null, "Redis refused NONESUCH: ERR"),
      );
      await assert.rejects(
        transport.pipeline([["INCR", "n"], ["INCR", "k"], ["INCR", "n"]]),
        refusal("ERR", null, "Redis refused INCR: ERR"),
      );
      assert.equal(await transport.command(["GET", "n"]), "2");
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
      await using setup = await setUp();
      const { transport, server } = setup;
      await transport.command(["PING"]);

      await server.kill();
      for (let i = 0; i < 2; i++) {
        const startedAt = performance.now();
        await assert.rejects(transport.command(["SET", "k", SECRET]), unavailable("run SET"));
        assert.ok(performance.now() - startedAt < 1000);
      }
      await server.restart();

      await eventually(() => transport.command(["PING"]));
    },
  );

  redisTest(`${name} a Redis that hangs is unavailable when the deadline is over`, async () => {
    await using setup = await setUp(300);
    const { transport, server } = setup;
    await transport.command(["PING"]);

    server.pause();
    const startedAt = performance.now();
    await assert.rejects(
      transport.script(FAIL, [], [SECRET]),
      unavailable("run script fail_it", "no answer within 300 ms"),
    );
    const tookMs = performance.now() - startedAt;
    server.resume();

    assert.ok(tookMs >= 290 && tookMs < 600, `${tookMs} ms`);
    assert.equal(await transport.command(["PING"]), "PONG");
  });

  redisTest(`${name} a closed transport is unavailable`, async () => {
    await using setup = await setUp();
    await setup.transport.command(["PING"]);
    await setup.transport.close();
    await setup.transport.close();
    await assert.rejects(
      setup.transport.command(["PING"]),
      unavailable("run PING", "the transport was closed"),
    );
  });
}

// A server that answers the first request and then breaks, in one way or another, shows how often the rest arrives.

const BREAKS: Record<string, (connection: Deno.TcpConn) => Promise<void>> = {
  "closes the connection": async () => {},
  "closes the connection in the middle of the answer": async (connection) => {
    await connection.write(bytes('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"result":'));
  },
  "answers 500": (connection) => answerHttp(connection, "500 Broken", '{"error": "ERR broken"}'),
  "sends it elsewhere": (connection) =>
    answerHttp(connection, "307 Elsewhere\r\nlocation: /elsewhere", ""),
  "answers 502 with a page": (connection) => answerHttp(connection, "502 Bad", "<html>"),
  "answers 200 with a page": (connection) => answerHttp(connection, "200 OK", "<html>"),
  "answers 200 with nothing that was asked for": (connection) =>
    answerHttp(connection, "200 OK", "{}"),
};

for (const [how, breakOff] of Object.entries(BREAKS)) {
  Deno.test(`over REST a command is sent once to a server that ${how}`, async () => {
    await using server = startBreaking(async (connection, seen) => {
      if (seen > 1) return await breakOff(connection);
      await answerHttp(connection, "200 OK", '{"result": "PONG"}');
      return "again";
    }, /SET[^]*\]$|PING/);
    const transport = createUpstashTransport({ url: `http://${server.address}`, token: TOKEN });

    // The second request goes over the kept connection, which is where clients repeat silently.
    assert.equal(await transport.command(["PING"]), "PONG");
    await assert.rejects(transport.command(["SET", "k", SECRET]), unavailable("run SET"));

    assert.equal(server.seen(), 2);
    await transport.close();
  });
}

Deno.test("over REST a command is sent once to a server that never answers", async () => {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  await using server = startBreaking(() => released, /\]$/);
  const transport = createUpstashTransport({
    url: `http://${server.address}`,
    token: TOKEN,
    deadlineMs: 200,
  });

  const startedAt = performance.now();
  await assert.rejects(
    transport.command(["SET", "k", SECRET]),
    unavailable("run SET", "no answer within 200 ms"),
  );

  assert.ok(performance.now() - startedAt < 500);
  assert.equal(server.seen(), 1);
  release();
});

Deno.test("over RESP a command is sent once to a server that closes the connection", async () => {
  await using server = startBreaking(async (connection, seen) => {
    if (seen > 1) return;
    await connection.write(bytes("+PONG\r\n"));
    return "again";
  }, /\r\n$/);
  const transport = createRespTransport({ url: `redis://${server.address}` });

  assert.equal(await transport.command(["PING"]), "PONG");
  await assert.rejects(transport.command(["SET", "k", SECRET]), unavailable("run SET"));

  assert.equal(server.seen(), 2);
  await transport.close();
});

redisTest("over REST a wrong token is told by its code", async () => {
  await using redis = await startRedisServer();
  await using endpoint = await startUpstashEndpoint({ redisUrl: redis.url, token: TOKEN });
  const transport = createUpstashTransport({ url: endpoint.url, token: SECRET });

  await assert.rejects(
    transport.pipeline([["SET", "k", SECRET], ["GET", "k"]]),
    unavailable("run SET", "Redis refused SET: WRONGPASS"),
  );
});

redisTest("over REST one command is one request, and so is a pipeline", async () => {
  await using redis = await startRedisServer();
  await using endpoint = await startUpstashEndpoint({ redisUrl: redis.url, token: TOKEN });
  const transport = createUpstashTransport({ url: `${endpoint.url}/`, token: TOKEN });

  await Promise.all([transport.command(["PING"]), transport.command(["PING"])]);
  await transport.pipeline([["PING"], ["PING"], ["PING"]]);

  const { items } = endpoint.requests;
  assert.deepEqual(items.map(({ path }) => path), ["/", "/", "/pipeline"]);
  for (const { headers } of items) {
    const sent = [...headers.keys()];
    assert.ok(!sent.some((header) => header.startsWith("upstash-telemetry")), sent.join());
  }
});

redisTest("over RESP a closed transport lets the program end", async () => {
  await using redis = await startRedisServer();
  const program = `
    import { createRespTransport } from ${JSON.stringify(moduleUrl("resp_transport.ts"))};
    const transport = createRespTransport({ url: Deno.args[0] });
    await transport.command(["PING"]);
    await transport.close();
    const away = createRespTransport({ url: "redis://127.0.0.1:1" });
    await away.command(["PING"]).catch((error) => console.log(error.name));
    await away.close();
  `;
  const startedAt = performance.now();
  const output = await runProgram(program, redis.url);

  assert.equal(output, "StoreUnavailable");
  assert.ok(performance.now() - startedAt < 5000);
});

redisTest("neither transport reads the environment", async () => {
  await using redis = await startRedisServer();
  await using endpoint = await startUpstashEndpoint({ redisUrl: redis.url, token: TOKEN });
  const program = `
    import { createRespTransport } from ${JSON.stringify(moduleUrl("resp_transport.ts"))};
    import { createUpstashTransport } from ${JSON.stringify(moduleUrl("upstash_transport.ts"))};
    const [redisUrl, url, token] = Deno.args;
    for (const t of [createRespTransport({ url: redisUrl }), createUpstashTransport({ url, token })]) {
      console.log(await t.command(["PING"]));
      await t.close();
    }
  `;

  assert.equal(await runProgram(program, redis.url, endpoint.url, TOKEN), "PONG\nPONG");
});

// ----------------------------------------------------------------------------------------------- helpers

/** Whether an error is the expected refusal and tells nothing more. */
function refusal(code: string, scriptName: string | null, message: string) {
  return (error: unknown) => {
    assert.ok(error instanceof RedisReplyError, String(error));
    assert.deepEqual([error.code, error.scriptName, error.message], [code, scriptName, message]);
    assertTellsNothing(error);
    return true;
  };
}

/** Whether an error says that the store is unavailable, for the given reason if there is one, and nothing more. */
function unavailable(operation: string, reason?: string) {
  return (error: unknown) => {
    assert.ok(error instanceof StoreUnavailable, String(error));
    assert.equal(error.message, `Cannot ${operation}: the store is unavailable`);
    assert.ok(error.cause instanceof Error);
    if (reason !== undefined) assert.equal(error.cause.message, reason);
    assertTellsNothing(error);
    return true;
  };
}

/** No value of a command, not even where only a debugger looks. */
function assertTellsNothing(error: Error): void {
  const told = Deno.inspect(error, { depth: 20, showHidden: true });
  assert.ok(!told.includes(SECRET), told);
  assert.ok(!told.includes(TOKEN), told);
}

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

interface BreakingServer extends AsyncDisposable {
  readonly address: string;
  /** How many requests arrived. */
  seen(): number;
}

/**
 * A server that hands every request, whole when it matches `end`, to `answer` and closes the connection afterwards
 * unless `answer` wants another request on it.
 */
function startBreaking(
  answer: (connection: Deno.TcpConn, seen: number) => Promise<"again" | void>,
  end: RegExp,
): BreakingServer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let seen = 0;

  async function serve(connection: Deno.TcpConn): Promise<void> {
    using _ = connection;
    const buffer = new Uint8Array(16_384);
    let request = "";
    while (true) {
      const length = await connection.read(buffer);
      if (length === null) return;
      request += new TextDecoder().decode(buffer.subarray(0, length));
      if (!end.test(request)) continue;
      request = "";
      if (await answer(connection, ++seen) !== "again") return;
    }
  }

  const serving: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const connection of listener) serving.push(serve(connection).catch(() => {}));
  })();
  return {
    address: `127.0.0.1:${listener.addr.port}`,
    seen: () => seen,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      await Promise.all(serving);
    },
  };
}

async function answerHttp(connection: Deno.TcpConn, status: string, body: string): Promise<void> {
  await connection.write(
    bytes(`HTTP/1.1 ${status}\r\ncontent-length: ${body.length}\r\n\r\n${body}`),
  );
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function moduleUrl(file: string): string {
  return new URL(`../../../../services/store/redis/${file}`, import.meta.url).href;
}

/** Runs a program that may use the network and nothing else, and gives what it printed. */
async function runProgram(text: string, ...args: string[]): Promise<string> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(file, text);
  const config = new URL("../../../../deno.json", import.meta.url).pathname;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--allow-net=127.0.0.1", "--config", config, file, ...args],
  }).output();
  await Deno.remove(file);
  const decoder = new TextDecoder();
  assert.equal(decoder.decode(stderr), "");
  return decoder.decode(stdout).trim();
}
