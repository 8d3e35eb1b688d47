import assert from "node:assert/strict";
import { StoreUnavailable } from "../../../../services/errors.ts";
import { charterAfter } from "../../../../services/store/charter.ts";
import { createCharteredTransport } from "../../../../services/store/redis/chartered_transport.ts";
import type { RedisTransport } from "../../../../services/store/redis/transport.ts";

const TERMS = { shards: 1, keyIds: ["aaaa0000"] } as const;

/** A Redis with one string in it, that can be away. */
function modelRedis(charter: string | null) {
  const asked: string[] = [];
  const redis = { away: false, charter, asked };
  const transport: RedisTransport = {
    script: () => transport.pipeline([["EVALSHA"]]),
    pipeline: ([command = []]) => {
      if (redis.away) return Promise.reject(new StoreUnavailable("ask"));
      const [verb = "", , text = ""] = command;
      asked.push(verb);
      if (verb === "GET") return Promise.resolve([redis.charter]);
      if (verb === "SET") redis.charter = text;
      return Promise.resolve(["done"]);
    },
    close: () => Promise.resolve(),
  };
  return { redis, transport };
}

Deno.test("a Redis that was away at the start is compared before it is used", async () => {
  const { redis, transport } = modelRedis(charterAfter(null, TERMS));
  const chartered = createCharteredTransport(transport);
  redis.away = true;
  await assert.rejects(chartered.charter.agree(TERMS), StoreUnavailable);
  await assert.rejects(chartered.transport.pipeline([["PING"]]), StoreUnavailable);
  redis.away = false;
  await Promise.all([
    chartered.transport.pipeline([["PING"]]),
    chartered.transport.pipeline([["PING"]]),
  ]);
  await chartered.transport.pipeline([["PING"]]);
  assert.deepEqual(redis.asked, ["GET", "PING", "PING", "PING"]);
});

Deno.test("a Redis that comes back begun with other terms is never used, and that is told once", async () => {
  const { redis, transport } = modelRedis(charterAfter(null, { ...TERMS, shards: 2 }));
  const chartered = createCharteredTransport(transport);
  const refusals: Error[] = [];
  redis.away = true;
  await assert.rejects(chartered.charter.agree(TERMS, (refusal) => refusals.push(refusal)));
  redis.away = false;
  for (const _ of [1, 2]) {
    await assert.rejects(chartered.transport.pipeline([["PING"]]), StoreUnavailable);
  }
  assert.deepEqual(redis.asked, ["GET"]);
  assert.equal(refusals.length, 1);
});
