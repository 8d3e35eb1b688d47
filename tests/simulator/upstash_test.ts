import assert from "node:assert/strict";
import { Redis, type RedisConfigNodejs } from "@upstash/redis";
import { type RedisServer, redisTest, startRedisServer } from "../support/redis_server.ts";
import { startUpstashEndpoint, type UpstashEndpoint } from "./upstash/endpoint.ts";

const TOKEN = "a-token";

/** A Redis, an endpoint over it, and what tests ask of them. */
interface Setup extends AsyncDisposable {
  readonly server: RedisServer;
  readonly endpoint: UpstashEndpoint;
  /** One request, authorized unless `init` says otherwise. */
  call(path: string, init?: RequestInit): Promise<Response>;
  /** The JSON answer to a command in the body. */
  run(...command: unknown[]): Promise<unknown>;
  client(options?: Partial<RedisConfigNodejs>): Redis;
}

async function setUp(): Promise<Setup> {
  const server = await startRedisServer();
  const endpoint = await startUpstashEndpoint({
    redisUrl: server.url,
    token: TOKEN,
    redisTimeoutMs: 500,
  });
  const call = (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    if (!headers.has("authorization")) headers.set("authorization", `Bearer ${TOKEN}`);
    return fetch(endpoint.url + path, { ...init, headers });
  };
  return {
    server,
    endpoint,
    call,
    run: async (...command) =>
      await (await call("/", { method: "POST", body: JSON.stringify(command) })).json(),
    client: (options) => new Redis({ url: endpoint.url, token: TOKEN, ...options }),
    async [Symbol.asyncDispose]() {
      await endpoint.close();
      await server.stop();
    },
  };
}

// -------------------------------------------------------------------------------- with Upstash's client

const CLIENTS: Record<string, Partial<RedisConfigNodejs>> = {
  "its default options": {},
  "automaticDeserialization: false": { automaticDeserialization: false },
  "enableAutoPipelining: false": { enableAutoPipelining: false },
  "responseEncoding: false": { responseEncoding: false },
  "everything off": {
    automaticDeserialization: false,
    enableAutoPipelining: false,
    responseEncoding: false,
    readYourWrites: false,
    enableTelemetry: false,
  },
};

const TEXTS = [
  "Grüße, 世界",
  "👩‍👩‍👧 🇨🇭 \u{1F600}",
  "0000Na9B26EF002X",
  "007",
  "OK",
  "",
  ' "\n\\\u0000',
];

for (const [name, options] of Object.entries(CLIENTS)) {
  redisTest(`Upstash's client with ${name} reads what it wrote`, async () => {
    await using setup = await setUp();
    const redis = setup.client(options);

    for (const text of TEXTS) {
      assert.equal(await redis.set("text", text), "OK");
      assert.equal(await redis.get("text"), text);
      await redis.hset("hash", { field: text });
      assert.equal(await redis.hget("hash", "field"), text);
    }
    assert.equal(await redis.get("nothing"), null);
    assert.equal(await redis.lpush("list", ...TEXTS), TEXTS.length);
    assert.deepEqual(await redis.lrange("list", 0, -1), TEXTS.toReversed());
    assert.deepEqual(await redis.mget("text", "nothing"), [TEXTS.at(-1), null]);
  });

  redisTest(`Upstash's client with ${name} gets the shapes that it expects`, async () => {
    await using setup = await setUp();
    const redis = setup.client(options);
    const raw = options.automaticDeserialization === false;

    await redis.hset("hash", { a: "x", b: "y" });
    assert.deepEqual(await redis.hgetall("hash"), raw ? ["a", "x", "b", "y"] : { a: "x", b: "y" });
    await redis.zadd("set", { score: 1, member: "one" }, { score: 2.5, member: "two" });
    assert.deepEqual(
      await redis.zrange("set", 0, -1, { withScores: true }),
      raw ? ["one", "1", "two", "2.5"] : ["one", 1, "two", 2.5],
    );
    assert.equal(await redis.incrby("number", 41), 41);
    assert.equal(await redis.get("number"), raw ? "41" : 41);
    const [cursor, keys] = await redis.scan(0, { match: "hash" });
    assert.deepEqual([cursor, keys], ["0", ["hash"]]);
  });

  redisTest(`Upstash's client with ${name} runs scripts, pipelines and transactions`, async () => {
    await using setup = await setUp();
    const redis = setup.client(options);
    const text = `return {KEYS[1], ARGV[1], 7, false, {"OK", {ok = "OK"}}}`;
    const expected = ["k", "ä", 7, null, ["OK", "OK"]];

    await assert.rejects(redis.evalsha("0".repeat(40), [], []), /NOSCRIPT No matching script/);
    assert.deepEqual(await redis.eval(text, ["k"], ["ä"]), expected);
    const sha = await redis.scriptLoad(text);
    assert.deepEqual(await redis.evalsha(sha, ["k"], ["ä"]), expected);
    assert.deepEqual(await redis.createScript(text).exec(["k"], ["ä"]), expected);

    assert.deepEqual(await redis.pipeline().set("k", "v").get("k").strlen("k").exec(), [
      "OK",
      "v",
      1,
    ]);
    assert.deepEqual(await redis.multi().set("k", "OK").get("k").del("k").exec(), ["OK", "OK", 1]);
    const outcomes = await redis.pipeline().set("k", "v").incr("k").get("k").exec({
      keepErrors: true,
    });
    assert.deepEqual(outcomes.map(({ result, error }) => error ?? result), [
      "OK",
      "ERR value is not an integer or out of range",
      "v",
    ]);
  });
}

redisTest("auto-pipelining sends the commands of one turn in one request", async () => {
  await using setup = await setUp();
  const redis = setup.client();

  await Promise.all([redis.set("a", 1), redis.set("b", 2), redis.set("c", 3)]);

  assert.deepEqual(setup.endpoint.requests.items.map(({ path }) => path), ["/pipeline"]);
  assert.deepEqual(setup.endpoint.commands, [["set", "a", "1"], ["set", "b", "2"], [
    "set",
    "c",
    "3",
  ]]);
});

redisTest("a value of 1 MiB comes back whole", async () => {
  await using setup = await setUp();
  const value = "é".repeat(512 * 1024);
  for (const responseEncoding of ["base64", false] as const) {
    const redis = setup.client({ responseEncoding, enableAutoPipelining: false });
    await redis.set("big", value);
    assert.ok(await redis.get("big") === value, `responseEncoding: ${responseEncoding}`);
  }
});

redisTest("the client remembers a new sync token after every answer", async () => {
  await using setup = await setUp();
  const redis = setup.client({ enableAutoPipelining: false });

  const tokens = [redis.readYourWritesSyncToken];
  await redis.set("a", 1);
  tokens.push(redis.readYourWritesSyncToken);
  await redis.pipeline().set("a", 2).exec();
  tokens.push(redis.readYourWritesSyncToken);

  assert.equal(new Set(tokens).size, 3);
});

redisTest("the client fails with Upstash's words for a wrong token", async () => {
  await using setup = await setUp();
  const redis = setup.client({ token: "another" });

  await assert.rejects(redis.get("a"), /WRONGPASS invalid or missing auth token/);
  assert.deepEqual(setup.endpoint.commands, []);
});

redisTest("the client's subscription is refused, not left hanging", async () => {
  await using setup = await setUp();
  const subscriber = setup.client().subscribe("channel");

  const error = await new Promise((resolve) => subscriber.on("error", resolve));

  assert.match(String(error), /ERR Command is not available: 'SUBSCRIBE'/);
  await subscriber.unsubscribe();
});

// ------------------------------------------------------------------------------------------ the protocol

redisTest("a command may stand in the path, with the body and the query behind it", async () => {
  await using setup = await setUp();
  const { call, endpoint } = setup;
  const requests: [string, RequestInit?][] = [
    ["/set/a%2Fb/%C3%BC"],
    ["/SET/a/1/EX/100/"],
    ["/set/a?EX=100&NX", { method: "POST", body: '{"x": 1}' }],
    ["/set/a?EX=100", { method: "PUT", body: "v" }],
    ["/get/.././x"],
  ];

  for (const [path, init] of requests) await (await call(path, init)).body?.cancel();

  assert.deepEqual(endpoint.commands, [
    ["set", "a/b", "ü"],
    ["SET", "a", "1", "EX", "100"],
    ["set", "a", '{"x": 1}', "EX", "100", "NX"],
    ["set", "a", "v", "EX", "100"],
    // `fetch` resolves the dots before it sends the path.
    ["x"],
  ]);
});

redisTest("words of a command may be numbers and booleans", async () => {
  await using setup = await setUp();

  await setup.run("SET", "a", 1.5);
  await setup.run("SET", "b", true);

  assert.deepEqual(await setup.run("MGET", "a", "b"), { result: ["1.5", "true"] });
});

const UNREADABLE: [path: string, body: string, error: string | RegExp][] = [
  ["/", "", "ERR failed to parse command"],
  ["/", "{}", "ERR failed to parse command"],
  ["/", "[]", "ERR empty command"],
  ["/", '["SET", "a", null]', "ERR null args are not supported"],
  ["/", '["SET", "a", {}]', 'ERR unsupported arg type: "{": json.Delim'],
  ["/", '[["SET", "a", "1"]]', 'ERR unsupported arg type: "[": json.Delim'],
  ["/pipeline", '{"a": 1}', "ERR failed to parse pipeline request"],
  ["/pipeline", "[]", "ERR empty pipeline request"],
  ["/pipeline", '[["PING"], []]', "ERR empty command"],
  ["/multi-exec", '["PING"]', "ERR failed to parse command"],
  ["/get/%ff", "", "ERR failed to parse command"],
  ["/", '["GET"]', "ERR wrong number of arguments for 'get' command"],
  ["/", '["NONESUCH", "a value"]', /^ERR Command is not available: 'NONESUCH'\. See /],
  ["/", '["EVALSHA", "0", "0"]', "NOSCRIPT No matching script. Please use EVAL."],
  ["/", '["EVAL", "return redis.error_reply(\'STALE a\')", "0"]', "STALE a"],
];

redisTest("what cannot be read or fails is answered 400 with an error", async () => {
  await using setup = await setUp();
  for (const [path, body, expected] of UNREADABLE) {
    const answer = await setup.call(path, { method: "POST", body });
    const { error } = await answer.json();
    assert.equal(answer.status, 400, `${path} ${body}`);
    if (typeof expected === "string") assert.equal(error, expected);
    else assert.match(error, expected);
    assert.ok(!error.includes("a value"));
  }
});

redisTest("a body beyond 10 MiB is refused, one of exactly 10 MiB is not", async () => {
  await using setup = await setUp();
  const most = 10 * 1024 * 1024;

  const tooLong = await setup.call("/set/a", { method: "POST", body: "x".repeat(most + 1) });
  assert.equal(tooLong.status, 400);
  assert.match((await tooLong.json()).error, /^ERR max request size exceeded/);
  const longest = await setup.call("/set/a", { method: "POST", body: "x".repeat(most) });
  assert.deepEqual(await longest.json(), { result: "OK" });
});

redisTest(
  "the token is taken from the header or from _token, and its absence is a 401",
  async () => {
    await using setup = await setUp();
    const status = async (path: string, authorization: string) => {
      const answer = await setup.call(path, { headers: { authorization } });
      return [answer.status, (await answer.json()).error?.split(" ", 1)[0] ?? "ok"];
    };

    assert.deepEqual(await status("/ping", `Bearer ${TOKEN}`), [200, "ok"]);
    assert.deepEqual(await status(`/ping?_token=${TOKEN}`, ""), [200, "ok"]);
    assert.deepEqual(await status("/ping", ""), [401, "WRONGPASS"]);
    assert.deepEqual(await status("/ping", `Basic ${TOKEN}`), [401, "WRONGPASS"]);
    assert.deepEqual(await status("/ping?_token=wrong", ""), [401, "WRONGPASS"]);
  },
);

redisTest("methods other than HEAD, GET, POST and PUT are answered 405", async () => {
  await using setup = await setUp();
  for (const method of ["DELETE", "PATCH", "OPTIONS"]) {
    const answer = await setup.call("/ping", { method });
    assert.equal(answer.status, 405, method);
    await answer.body?.cancel();
  }
  assert.equal((await setup.call("/ping", { method: "HEAD" })).status, 200);
});

redisTest("Upstash-Encoding: base64 encodes every string but the status OK", async () => {
  await using setup = await setUp();
  const headers = { "upstash-encoding": "base64" };
  const base64 = async (path: string, body: unknown) =>
    await (await setup.call(path, { method: "POST", headers, body: JSON.stringify(body) })).json();

  assert.deepEqual(await base64("/", ["SET", "a", "OK"]), { result: "OK" });
  assert.deepEqual(await base64("/", ["GET", "a"]), { result: "T0s=" });
  assert.deepEqual(await base64("/", ["PING"]), { result: "UE9ORw==" });
  assert.deepEqual(await base64("/", ["EVAL", "return {1, 'ü', {'x', false}}", 0]), {
    result: [1, "w7w=", ["eA==", null]],
  });
  assert.deepEqual(await base64("/pipeline", [["STRLEN", "a"], ["GET"], ["GET", "-"]]), [
    { result: 2 },
    { error: "ERR wrong number of arguments for 'get' command" },
    { result: null },
  ]);
});

redisTest("bytes that are not UTF-8 become U+FFFD in text and stay whole in base64", async () => {
  await using setup = await setUp();
  await setup.run("EVAL", String.raw`redis.call('SET', 'a', '\255\254x')`, 0);

  assert.deepEqual(await setup.run("GET", "a"), { result: "\ufffd\ufffdx" });
  const answer = await setup.call("/get/a", { headers: { "upstash-encoding": "base64" } });
  assert.deepEqual(await answer.json(), { result: "//54" });
});

redisTest("a byte order mark in a value stays", async () => {
  await using setup = await setUp();
  await (await setup.call("/set/a", { method: "POST", body: "\ufeffx" })).body?.cancel();
  assert.deepEqual(await setup.run("GET", "a"), { result: "\ufeffx" });
});

redisTest("Upstash-Response-Format: resp2 answers as Redis itself does", async () => {
  await using setup = await setUp();
  const headers = { "upstash-response-format": "resp2" };
  const resp2 = async (path: string, body: unknown) => {
    const answer = await setup.call(path, { method: "POST", headers, body: JSON.stringify(body) });
    return [answer.status, answer.headers.get("content-type"), await answer.text()];
  };
  const type = "application/octet-stream";

  assert.deepEqual(await resp2("/", ["SET", "a", "ü"]), [200, type, "+OK\r\n"]);
  assert.deepEqual(await resp2("/", ["GET", "a"]), [200, type, "$2\r\nü\r\n"]);
  assert.deepEqual(await resp2("/", ["GET"]), [
    400,
    type,
    "-ERR wrong number of arguments for 'get' command\r\n",
  ]);
  assert.deepEqual(await resp2("/pipeline", [["MGET", "a", "-"], ["STRLEN", "a"]]), [
    200,
    type,
    "*2\r\n$2\r\nü\r\n$-1\r\n:2\r\n",
  ]);
  assert.deepEqual(await resp2("/multi-exec", [["GET", "a"]]), [
    200,
    "application/json",
    '[{"result":"ü"}]',
  ]);
});

redisTest("formats that are unknown or exclude each other are answered 400", async () => {
  await using setup = await setUp();
  const wrong: Record<string, string>[] = [
    { "upstash-response-format": "resp3" },
    { "upstash-encoding": "hex" },
    { "upstash-response-format": "resp2", "upstash-encoding": "base64" },
  ];
  for (const headers of wrong) {
    const answer = await setup.call("/ping", { headers });
    assert.equal(answer.status, 400);
    assert.match((await answer.json()).error, /^ERR Upstash-/);
  }
});

redisTest("a transaction runs whole, or not at all when a command cannot be queued", async () => {
  await using setup = await setUp();
  const transaction = async (...commands: unknown[]) => {
    const body = JSON.stringify(commands);
    const answer = await setup.call("/multi-exec", { method: "POST", body });
    return [answer.status, await answer.json()];
  };

  assert.deepEqual(await transaction(["SET", "a", "x"], ["INCR", "a"], ["GET", "a"]), [200, [
    { result: "OK" },
    { error: "ERR value is not an integer or out of range" },
    { result: "x" },
  ]]);
  assert.deepEqual(await transaction(["SET", "a", "y"], ["GET"]), [400, {
    error: "ERR wrong number of arguments for 'get' command",
  }]);
  const [status, { error }] = await transaction(["SET", "a", "y"], ["BLPOP", "b", 0]);
  assert.deepEqual([status, error.slice(0, 38)], [400, "ERR Command is not available: 'BLPOP'."]);
  assert.deepEqual(await setup.run("GET", "a"), { result: "x" });
});

const REFUSED = [
  ...["BLPOP k 0", "blmove a b LEFT LEFT 0", "WAIT 0 0", "XREAD BLOCK 0 STREAMS s $"],
  "XREADGROUP GROUP g c COUNT 1 block 0 STREAMS s >",
  ...["SUBSCRIBE c", "PSUBSCRIBE c", "MONITOR", "MULTI", "EXEC", "WATCH k", "AUTH x", "SELECT 1"],
  ...["QUIT", "RESET", "HELLO 3", "CLIENT REPLY OFF", "SHUTDOWN", "DEBUG SLEEP 9", "CONFIG GET *"],
];

redisTest("what waits, subscribes or changes the shared connection is refused", async () => {
  await using setup = await setUp();
  for (const command of REFUSED) {
    const words = command.split(" ");
    const answer = await setup.run(...words);
    assert.match(
      JSON.stringify(answer),
      new RegExp(`^{"error":"ERR Command is not available: '${words[0]?.toUpperCase()}'\\. `),
    );
  }
  // In a pipeline only the refused command fails.
  const pipeline = setup.client().pipeline().set("a", 1).exec;
  assert.deepEqual(await pipeline(), ["OK"]);
  const body = JSON.stringify([["GET", "a"], ["QUIT"], ["GET", "a"]]);
  const answers = await (await setup.call("/pipeline", { method: "POST", body })).json();
  assert.deepEqual([answers[0], Object.keys(answers[1]), answers[2]], [
    { result: "1" },
    ["error"],
    { result: "1" },
  ]);
});

const NOT_REFUSED = [
  "XREAD COUNT 1 STREAMS block 0",
  "XRANGE block - +",
  "CLIENT ID",
  "PUBLISH c m",
  "PUBSUB CHANNELS",
  "ECHO BLOCK",
];

redisTest("what only looks like a refused command is carried out", async () => {
  await using setup = await setUp();
  for (const command of NOT_REFUSED) {
    const answer = await setup.run(...command.split(" "));
    assert.match(JSON.stringify(answer), /^{"result":/, command);
  }
});

// ----------------------------------------------------------------------------------------------- faults

redisTest(
  "while Redis is away every request is answered 503 at once, and served when it is back",
  async () => {
    await using setup = await setUp();
    const redis = setup.client();
    await redis.set("a", 1);

    await setup.server.kill();
    for (let i = 0; i < 3; i++) {
      const startedAt = performance.now();
      const answer = await setup.call("/get/a");
      assert.equal(answer.status, 503);
      assert.match((await answer.json()).error, /^Redis did not answer: /);
      assert.ok(performance.now() - startedAt < 1000);
    }
    await assert.rejects(redis.get("a"), /Redis did not answer/);
    await setup.server.restart();

    assert.equal(await redis.set("a", 2), "OK");
  },
);

redisTest("a Redis that hangs is answered for with 503 in less than 2 s", async () => {
  await using setup = await setUp();

  setup.server.pause();
  const startedAt = performance.now();
  const answer = await setup.call("/get/a");

  assert.equal(answer.status, 503);
  assert.equal((await answer.json()).error, "Redis did not answer: no answer within 500 ms");
  assert.ok(performance.now() - startedAt < 2000);
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
    const program = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", new URL("./upstash/main.ts", import.meta.url).pathname, "--port", "0"],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    let said = "";
    const reader = program.stdout.pipeThrough(new TextDecoderStream()).getReader();
    while (!said.includes("Ctrl-C")) {
      const { value, done } = await reader.read();
      assert.ok(!done, `it ended after: ${said}`);
      said += value;
    }
    const [, url] = /^export UPSTASH_REDIS_REST_URL=(\S+)$/m.exec(said) ?? [];
    const [, token] = /^export UPSTASH_REDIS_REST_TOKEN=(\S+)$/m.exec(said) ?? [];
    const [, redisPort] = /redis:\/\/127\.0\.0\.1:(\d+)/.exec(said) ?? [];
    assert.match(said, /development tool/);

    assert.equal(await new Redis({ url, token }).ping(), "PONG");
    program.kill("SIGTERM");
    await reader.read();

    assert.equal((await program.status).code, 0);
    await assert.rejects(Deno.connect({ hostname: "127.0.0.1", port: Number(redisPort) }));
  },
);
