/** The Upstash endpoint's protocol: requests, formats, errors, transactions. */
import assert from "node:assert/strict";
import { redisTest } from "../../support/needs_redis.ts";
import { setUp, TOKEN } from "./setup.ts";

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
