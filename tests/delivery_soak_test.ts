import assert from "node:assert/strict";
import { soakOrderedDelivery } from "./soak/ordered_delivery.ts";
import { soakSharedWork } from "./soak/shared_work.ts";
import { soakCommandsPerEvent, soakIdleByVirtualClock } from "./soak/store_commands.ts";
import { createLedger } from "./soak/ledger.ts";
import { clockAhead, startLocalPatchbay } from "./support/local_patchbay.ts";
import { redisEnv } from "./support/patchbay_for_load.ts";
import { startRedisServer } from "../simulator/kit/redis_server.ts";
import { redisTest } from "./support/needs_redis.ts";

// The same at full size: `deno task soak`.
const SMALL = { sessions: 100, eventsPerSession: 5 } as const;
const SHARED = { sessions: 100, eventsPerSession: 20 } as const;
const WITHIN_MS = 20_000;

redisTest(
  "every session arrives in order at each webhook, each event once, with one that fails half of its calls",
  async () => {
    await using redis = await startRedisServer();
    await soakOrderedDelivery({
      ...SMALL,
      storeEnv: redisEnv(redis.url),
      seed: 1,
      withinMs: WITHIN_MS,
    });
  },
);

Deno.test("every session arrives in order at each webhook with the embedded store, too", async () => {
  await soakOrderedDelivery({
    ...SMALL,
    storeEnv: { SQLITE_PATH: ":memory:" },
    seed: 2,
    withinMs: WITHIN_MS,
  });
});

redisTest(
  "two instances share the work, and what one had in hand when it was killed is not lost",
  async () => {
    await using redis = await startRedisServer();
    await soakSharedWork({
      ...SHARED,
      redisUrl: redis.url,
      ending: "killed",
      heir: {
        kind: "later",
        start: (env, aheadMs) => startLocalPatchbay(env, { clock: clockAhead(aheadMs) }),
      },
      withinMs: WITHIN_MS,
    });
  },
);

redisTest(
  "an instance that is stopped midway leaves the rest to the other, and nothing comes twice",
  async () => {
    await using redis = await startRedisServer();
    await soakSharedWork({
      ...SHARED,
      redisUrl: redis.url,
      ending: "stopped",
      heir: { kind: "survivor" },
      withinMs: WITHIN_MS,
    });
  },
);

redisTest("a delivered event costs at most six store commands", async () => {
  await using redis = await startRedisServer();
  await soakCommandsPerEvent({ redisUrl: redis.url, events: 40 });
});

redisTest("an idle Patchbay sends at most two store commands a minute", async () => {
  await using redis = await startRedisServer();
  await soakIdleByVirtualClock({ redisUrl: redis.url, minutes: 20 });
});

// What the soaks judge by has to be able to find fault.
const CALL = { id: "evt_1", sessionId: "S1", sequence: 1 };
const FAULTY: readonly (readonly [string, (ledger: ReturnType<typeof createLedger>) => void])[] = [
  ["a gap", (ledger) => ledger.begin({ ...CALL, sequence: 2 })],
  ["a later event while the one before is refused", (ledger) => {
    ledger.begin(CALL).end(false);
    ledger.begin({ ...CALL, id: "evt_2", sequence: 2 });
  }],
  ["an older event again after a newer one", (ledger) => {
    ledger.begin(CALL).end(true);
    ledger.begin({ ...CALL, id: "evt_2", sequence: 2 }).end(true);
    ledger.begin(CALL);
  }],
  ["two calls of a session at once", (ledger) => {
    ledger.begin(CALL);
    ledger.begin(CALL);
  }],
];

for (const [what, play] of FAULTY) {
  Deno.test(`the ledger finds fault with ${what}`, () => {
    const ledger = createLedger("it");
    play(ledger);
    assert.equal(ledger.faults.length, 1);
  });
}

Deno.test("the ledger counts what is acknowledged again, and takes a retry for no fault", () => {
  const ledger = createLedger("it");
  ledger.begin(CALL).end(false);
  ledger.begin(CALL).end(true);
  ledger.begin(CALL).end(true);
  assert.deepEqual([ledger.faults, ledger.repeats], [[], ["evt_1"]]);
  assert.deepEqual([ledger.acknowledged, ledger.refused], [1, 1]);
});
