import assert from "node:assert/strict";
import { createDeliveryEngine } from "../../../services/delivery/engine.ts";
import { decideAttempt } from "../../../services/webhooks/sending/webhook_decision.ts";
import { createGovernor, type SinkSettings } from "../../../services/delivery/governor.ts";
import { createSettler } from "../../../services/delivery/settler.ts";
import type { AttemptEnd, Sink } from "../../../services/delivery/sink.ts";
import { StoreUnavailable } from "../../../services/errors.ts";
import { createIds } from "../../../services/support/ids.ts";
import type { ClaimedDelivery, SinkHealth } from "../../../services/store/port/deliveries.ts";
import type { EventDraft } from "../../../services/store/port/events.ts";
import { openSqliteStore } from "../../../services/store/sqlite/store.ts";
import { createMemoryLog } from "../../support/memory_log.ts";
import { observeOutbox } from "../../support/observed_outbox.ts";
import { createVirtualClock } from "../../support/virtual_clock.ts";
import { draft, POLICY, publish, T0, webhook } from "../../support/drafts.ts";

const LEASE_MS = 30_000;

type Attempt = (delivery: ClaimedDelivery, signal: AbortSignal) => AttemptEnd | Promise<AttemptEnd>;

function ended(decision: AttemptEnd["decision"], events: AttemptEnd["events"] = []): AttemptEnd {
  return {
    report: { class: "ok", startedAt: new Date(T0).toISOString(), durationMs: 1 },
    decision,
    health: decision.status === "delivered" ? "success" : "failure",
    events,
  };
}

const NO_SETTINGS: readonly SinkSettings[] = [];

const delivered = () => ended({ status: "delivered" });

/** An engine over a real store in memory, with a sink that does what the test says. */
function createBench(attempt: Attempt, { concurrencyPerSink = 10, settings = NO_SETTINGS } = {}) {
  const clock = createVirtualClock(T0);
  const outbox = observeOutbox(
    openSqliteStore({ path: ":memory:", sync: "normal", policy: POLICY }),
  );
  const { store } = outbox;
  const log = createMemoryLog();
  const attempts: { key: string; atMs: number; attempt: number; interrupted: boolean }[] = [];
  const sink: Sink = {
    attempt: async (delivery, signal) => {
      attempts.push({
        key: `${delivery.sinkId} ${delivery.event.sessionId}#${delivery.event.sequence}`,
        atMs: clock.now() - T0,
        attempt: delivery.attempt,
        interrupted: delivery.interrupted,
      });
      return await attempt(delivery, signal);
    },
  };
  const publisher = {
    draft: async ({ type, sessionId, data }: AttemptEnd["events"][number]) => ({
      draft: draft({
        type,
        sessionId,
        data: { kind: "object", json: JSON.stringify(data) },
        webhooks: [webhook("wh_own")],
      }) satisfies EventDraft,
      webhooksVersion: (await store.listWebhooks()).version,
    }),
    refresh: () => Promise.resolve(),
  };
  const failing: SinkHealth[][] = [];
  const settler = createSettler({
    outbox: store,
    publisher,
    clock,
    log,
    onFailing: (sinks) => failing.push([...sinks]),
  });
  let sweeps = 0;
  const engine = createDeliveryEngine({
    outbox: store,
    settler,
    sinkFor: () => sink,
    clock,
    random: () => 1,
    ids: createIds(),
    log,
    leaseMs: LEASE_MS,
    governor: createGovernor({
      settings: () => Promise.resolve(settings),
      clock,
      log,
      concurrencyPerSink,
    }),
    onSweep: () => sweeps++,
  });
  return {
    failing,
    sweeps: () => sweeps,
    clock,
    outbox,
    store,
    log,
    attempts,
    engine,
    /** Starts the engine and waits until it has nothing to do. */
    start: async () => {
      const idle = outbox.untilIdle();
      engine.start();
      await idle;
    },
    advance: async (ms: number) => {
      const idle = outbox.untilIdle();
      clock.advance(ms);
      await idle;
    },
    keys: () => attempts.map(({ key }) => key),
    [Symbol.asyncDispose]: async () => {
      await engine.stop(0);
      await store.close();
    },
  };
}

const toOne = { webhooks: [webhook("wh_1")] };

Deno.test("the engine delivers what was left from before it started", async () => {
  await using bench = createBench(delivered);
  await publish(bench.store, [draft(toOne), draft(toOne), draft({ ...toOne, sessionId: "S2" })]);
  await bench.start();
  assert.deepEqual(bench.keys(), ["wh_1 S1#1", "wh_1 S2#1", "wh_1 S1#2"]);
  assert.equal(
    (await bench.store.listDeliveries({ limit: 9, status: "delivered" })).items.length,
    3,
  );
});

Deno.test("wake() delivers what was just published, without waiting for a timer", async () => {
  await using bench = createBench(delivered);
  await bench.start();
  await publish(bench.store, [draft(toOne)]);
  const idle = bench.outbox.untilIdle();
  bench.engine.wake();
  await idle;
  assert.deepEqual(bench.attempts.map(({ atMs }) => atMs), [0]);
});

Deno.test("a delivery costs one claim, and nothing wakes when its lease would have ended", async () => {
  await using bench = createBench(delivered);
  await bench.start();
  const before = bench.outbox.calls.claims;
  await publish(bench.store, [draft(toOne)]);
  const idle = bench.outbox.untilIdle();
  bench.engine.wake();
  await idle;
  assert.equal(bench.outbox.calls.claims - before, 1);
  assert.equal(bench.outbox.calls.settles, 1);
  // The next sweep: the lease is shorter.
  assert.equal(bench.clock.nextDueInMs(), 60_000);
});

Deno.test("a retry comes when the sink said, to the millisecond, and holds back its own lane only", async () => {
  await using bench = createBench(({ attempt, event }) =>
    attempt < 3 && event.sequence === 1 && event.sessionId === "S1"
      ? ended({ status: "retrying", atMs: T0 + attempt * 5_000 })
      : delivered()
  );
  await publish(bench.store, [draft(toOne), draft(toOne), draft({ ...toOne, sessionId: "S2" })]);
  await bench.start();
  await bench.advance(5_000);
  await bench.advance(5_000);
  assert.deepEqual(bench.attempts.map(({ key, atMs, attempt }) => [key, atMs, attempt]), [
    ["wh_1 S1#1", 0, 1],
    ["wh_1 S2#1", 0, 1],
    ["wh_1 S1#1", 5_000, 2],
    ["wh_1 S1#1", 10_000, 3],
    ["wh_1 S1#2", 10_000, 1],
  ]);
});

Deno.test("an idle engine asks the store once a minute", async () => {
  await using bench = createBench(delivered);
  await bench.start();
  const before = bench.outbox.calls.claims;
  for (let minute = 0; minute < 10; minute++) await bench.advance(60_000);
  assert.equal(bench.outbox.calls.claims - before, 10);
  assert.equal(bench.outbox.calls.settles, 0);
  assert.equal(bench.sweeps(), 11);
});

Deno.test("a sink that throws leaves its delivery to the lease; the next attempt knows", async () => {
  await using bench = createBench(({ attempt }) => {
    if (attempt === 1) throw new Error("a fault of ours");
    return delivered();
  });
  await publish(bench.store, [draft(toOne)]);
  bench.engine.start();
  await bench.log.whenLogged("delivery.attempt_failed");
  await bench.outbox.until(() => bench.outbox.calls.claims >= 2);
  bench.clock.advance(LEASE_MS);
  await bench.outbox.until(() => bench.outbox.calls.settles === 1);
  assert.deepEqual(bench.attempts.map(({ atMs, interrupted }) => [atMs, interrupted]), [
    [0, false],
    [LEASE_MS, true],
  ]);
});

Deno.test("a store that goes away is asked again with growing waits, and delivery resumes by itself", async () => {
  await using bench = createBench(delivered);
  await bench.start();
  await publish(bench.store, [draft(toOne)]);
  bench.outbox.failure = new StoreUnavailable("claim deliveries");
  bench.engine.wake();
  await bench.log.whenLogged("delivery.store_unavailable", 1);
  bench.clock.advance(1_000);
  await bench.log.whenLogged("delivery.store_unavailable", 2);
  bench.clock.advance(1_999);
  assert.equal(bench.log.of("delivery.store_unavailable").length, 2);
  bench.outbox.failure = null;
  await bench.advance(1);
  assert.deepEqual(bench.keys(), ["wh_1 S1#1"]);
});

Deno.test("an outcome that the store would not take is written down once it is back", async () => {
  const { promise: answered, resolve: answer } = Promise.withResolvers<AttemptEnd>();
  await using bench = createBench(() => answered);
  await publish(bench.store, [draft(toOne)]);
  bench.engine.start();
  await bench.outbox.until(() => bench.attempts.length === 1);
  bench.outbox.failure = new StoreUnavailable("settle deliveries");
  answer(delivered());
  await bench.log.whenLogged("delivery.store_unavailable");
  bench.outbox.failure = null;
  await bench.advance(1_000);
  assert.equal(bench.attempts.length, 1);
  assert.equal(
    (await bench.store.listDeliveries({ limit: 9, status: "delivered" })).items.length,
    1,
  );
});

Deno.test("one sink that hangs takes its own places and no others", async () => {
  const { promise: released, resolve: release } = Promise.withResolvers<AttemptEnd>();
  await using bench = createBench(
    ({ sinkId }) => sinkId === "wh_slow" ? released : delivered(),
    { concurrencyPerSink: 3 },
  );
  const sessions = Array.from({ length: 20 }, (_, n) => `S${String(n).padStart(2, "0")}`);
  await publish(
    bench.store,
    sessions.map((sessionId) => draft({ sessionId, webhooks: [webhook("wh_slow")] })),
  );
  await publish(
    bench.store,
    sessions.map((sessionId) => draft({ sessionId, webhooks: [webhook("wh_fast")] })),
  );
  bench.engine.start();
  const count = (sink: string) => bench.keys().filter((key) => key.startsWith(sink)).length;
  await bench.outbox.until(() => count("wh_fast") === 20);
  assert.equal(count("wh_slow"), 3);
  const idle = bench.outbox.untilIdle();
  release(delivered());
  await idle;
  assert.equal(count("wh_slow"), 20);
});

Deno.test("a batch larger than one claim is taken in several, each delivery once", async () => {
  await using bench = createBench(delivered, { concurrencyPerSink: 100 });
  const drafts = Array.from({ length: 100 }, (_, n) => draft({ ...toOne, sessionId: `S${n}` }));
  await publish(bench.store, drafts);
  await bench.start();
  assert.deepEqual([bench.attempts.length, new Set(bench.keys()).size], [100, 100]);
});

Deno.test("what belongs to an outcome is published with it, and delivered", async () => {
  await using bench = createBench(({ sinkId }) =>
    sinkId === "wh_1"
      ? ended({ status: "dead" }, [{ type: "delivery.exhausted", sessionId: null, data: { n: 1 } }])
      : delivered()
  );
  await publish(bench.store, [draft(toOne)]);
  await bench.start();
  assert.deepEqual(bench.keys(), ["wh_1 S1#1", "wh_own null#null"]);
});

Deno.test("stop() waits for what is under way and settles it", async () => {
  const { promise: answered, resolve: answer } = Promise.withResolvers<AttemptEnd>();
  await using bench = createBench(() => answered);
  await publish(bench.store, [draft(toOne), draft(toOne)]);
  bench.engine.start();
  await bench.outbox.until(() => bench.attempts.length === 1);
  const stopped = bench.engine.stop(4_500);
  answer(delivered());
  await stopped;
  assert.equal(
    (await bench.store.listDeliveries({ limit: 9, status: "delivered" })).items.length,
    1,
  );
  assert.equal((await bench.store.listDeliveries({ limit: 9, status: "pending" })).items.length, 1);
  assert.equal(bench.clock.pending(), 0);
});

Deno.test("stop() aborts what runs past its time; the sink's answer is settled still", async () => {
  await using bench = createBench((_delivery, signal) =>
    new Promise((resolve) =>
      signal.addEventListener("abort", () => resolve(ended({ status: "retrying", atMs: T0 })))
    )
  );
  await publish(bench.store, [draft(toOne)]);
  bench.engine.start();
  await bench.outbox.until(() => bench.attempts.length === 1);
  const stopped = bench.engine.stop(4_500);
  await bench.clock.whenArmed();
  bench.clock.advance(4_500);
  await stopped;
  const { items } = await bench.store.listDeliveries({ limit: 9 });
  assert.deepEqual(items.map(({ status }) => status), ["retrying"]);
});

Deno.test("a sink with a rate is served at that rate, and the engine wakes for each token", async () => {
  const rate = { perSecond: 1, burst: 2 };
  await using bench = createBench(delivered, {
    settings: [{ sinkId: "wh_1", concurrency: 10, rate }],
  });
  await publish(
    bench.store,
    Array.from({ length: 4 }, (_, n) => draft({ ...toOne, sessionId: `S${n}` })),
  );
  await bench.start();
  await bench.advance(1_000);
  await bench.advance(1_000);
  assert.deepEqual(bench.attempts.map(({ atMs }) => atMs), [0, 0, 1_000, 2_000]);
});

Deno.test("a sink that only fails is left alone for 30 s, then probed by one, then served", async () => {
  let broken = true;
  await using bench = createBench(({ attempt }) =>
    broken ? ended({ status: "retrying", atMs: T0 + attempt * 2_000 }) : delivered()
  );
  await publish(
    bench.store,
    Array.from({ length: 4 }, (_, n) => draft({ ...toOne, sessionId: `S${n}` })),
  );
  await bench.start();
  for (let n = 0; n < 3; n++) await bench.advance(2_000);
  const count = bench.attempts.length;
  assert.equal(count, 16);
  bench.clock.advance(29_999);
  assert.equal(bench.attempts.length, count);
  broken = false;
  await bench.advance(1);
  const atMs = bench.attempts.slice(count).map((attempt) => attempt.atMs);
  assert.deepEqual(atMs, Array(4).fill(36_000));
});

Deno.test("the settler tells which sinks fail, and since when", async () => {
  await using bench = createBench(() => ended({ status: "dead" }));
  await publish(bench.store, [draft(toOne), draft({ ...toOne, sessionId: "S2" })]);
  await bench.start();
  assert.deepEqual(bench.failing.at(-1), [{ sinkId: "wh_1", failures: 2, sinceMs: T0 }]);
});

Deno.test("the whole ladder of 11 attempts comes to the second", async () => {
  const waitsS = [5, 30, 120, 600, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000];
  await using bench = createBench(({ attempt }) => {
    const { decision } = decideAttempt({
      attempt,
      outcome: { kind: "answer", status: 500 },
      nowMs: bench.clock.now(),
      retryWaitsMs: waitsS.map((seconds) => seconds * 1_000),
      // The middle of the jitter's range.
      random: () => 0.5,
    });
    return ended(decision);
  });
  await publish(bench.store, [draft(toOne)]);
  await bench.start();
  for (const [place, seconds] of waitsS.entries()) {
    // Nothing wakes the engine before its time is up but the sweep, once a minute.
    if (seconds > 60) await bench.advance(seconds * 1_000 - 1);
    else bench.clock.advance(seconds * 1_000 - 1);
    assert.equal(bench.attempts.length, place + 1);
    await bench.advance(1);
  }
  const ends = waitsS.reduce<number[]>((sums, wait) => [...sums, (sums.at(-1) ?? 0) + wait], [0]);
  assert.deepEqual(bench.attempts.map(({ atMs }) => atMs / 1_000), ends);
  const { items } = await bench.store.listDeliveries({ limit: 9 });
  assert.deepEqual(items.map(({ status, attempts }) => [status, attempts]), [["dead", 11]]);
});

Deno.test("an outcome is written down even when the store was away for longer than a lease", async () => {
  const { promise: answered, resolve: answer } = Promise.withResolvers<AttemptEnd>();
  await using bench = createBench(() => answered);
  await publish(bench.store, [draft(toOne)]);
  bench.engine.start();
  await bench.outbox.until(() => bench.attempts.length === 1);
  bench.outbox.failure = new StoreUnavailable("settle deliveries");
  answer(delivered());
  for (let failures = 1; failures <= 7; failures++) {
    await bench.log.whenLogged("delivery.store_unavailable", failures);
    if (failures === 7) bench.outbox.failure = null;
    bench.clock.advance(30_000);
  }
  await bench.outbox.until(() => bench.outbox.calls.settles === 1);
  assert.equal(bench.attempts.length, 1);
  assert.equal(
    (await bench.store.listDeliveries({ limit: 9, status: "delivered" })).items.length,
    1,
  );
});

Deno.test("a claim that failed is repeated with the same token", async () => {
  await using bench = createBench(delivered);
  await bench.start();
  bench.outbox.failure = new StoreUnavailable("claim deliveries");
  bench.engine.wake();
  await bench.log.whenLogged("delivery.store_unavailable");
  bench.outbox.failure = null;
  await bench.advance(1_000);
  const [first, failed, repeated] = bench.outbox.tokens.slice(-3);
  assert.notEqual(first, failed);
  assert.equal(failed, repeated);
});

Deno.test("stop() in the middle of a claim leaves no timer behind", async () => {
  await using bench = createBench(delivered);
  await bench.start();
  bench.engine.wake();
  await bench.engine.stop(0);
  assert.equal(bench.clock.pending(), 0);
});
