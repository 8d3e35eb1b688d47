/** The Upstash endpoint through Upstash's own client. */
import assert from "node:assert/strict";
import type { RedisConfigNodejs } from "@upstash/redis";
import { redisTest } from "../../support/needs_redis.ts";
import { setUp } from "./setup.ts";

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
