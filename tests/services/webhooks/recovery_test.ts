import assert from "node:assert/strict";
import { InvalidParameter, NotFound, StoreUnavailable } from "../../../services/errors.ts";
import type { Store } from "../../../services/store/port/store.ts";
import type { RecoverOutcome } from "../../../services/webhooks/recovery.ts";
import { claimDeliveries, settle } from "../../support/drafts.ts";
import { createBenchWithWebhook } from "./held_deliveries.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** An hour before the clock of the tests starts. */
const SINCE = "2026-11-22T09:00:00.000Z";

type Requeue = Parameters<Store["requeueDeliveries"]>[0];

/** A store that hands every step of a requeueing to `onStep` before it is done. */
function watchingSteps(onStep: (request: Requeue, step: number) => unknown) {
  let steps = 0;
  return (store: Store): Store => ({
    ...store,
    async requeueDeliveries(request) {
      await onStep(request, ++steps);
      return await store.requeueDeliveries(request);
    },
  });
}

/** Counts how often a record is written. */
function countingWrites(inner: (store: Store) => Store = (store) => store) {
  const counter = { writes: 0 };
  const watch = (store: Store): Store => {
    const watched = inner(store);
    return {
      ...watched,
      putWebhook(entry) {
        counter.writes++;
        return watched.putWebhook(entry);
      },
    };
  };
  return { counter, watch };
}

function jobOf(outcome: RecoverOutcome) {
  assert.ok(outcome.kind === "running");
  return outcome.recovery;
}

Deno.test("a dry run counts what is dead or held in that time, and changes nothing", async () => {
  await using bench = await createBenchWithWebhook();
  const { id, webhooks, clock } = bench;
  const nowMs = clock.now();
  await bench.makeWaiting(3, { occurredAtMs: nowMs - 2 * HOUR_MS });
  await bench.makeWaiting(4, { occurredAtMs: nowMs - 30 * MINUTE_MS });
  await bench.settleDueAs("dead");
  await bench.makeWaiting(2, { occurredAtMs: nowMs - 20 * MINUTE_MS });
  await bench.settleDueAs("dead");
  await bench.makeWaiting(8, { occurredAtMs: nowMs - 10 * MINUTE_MS });
  await bench.settleDueAs("delivered");
  await bench.makeWaiting(16, { occurredAtMs: nowMs - 10 * MINUTE_MS, held: true });
  await bench.makeWaiting(32, { occurredAtMs: nowMs - 10 * MINUTE_MS });

  const count = async (body: object) => {
    const outcome = await webhooks.recover(id, { dryRun: true, ...body });
    return outcome.kind === "counted" ? outcome.count : assert.fail("it was no dry run");
  };
  assert.equal(await count({ since: SINCE }), 22);
  assert.equal(await count({ since: "2026-11-22T07:00:00Z" }), 25);
  assert.equal(await count({ since: SINCE, until: "2026-11-22T09:45:00Z" }), 6);
  assert.equal((await webhooks.read(id)).recovery, null);
  assert.deepEqual([await bench.count("dead"), await bench.count("held")], [9, 16]);
  assert.equal(bench.wakes(), 0);
});

Deno.test("a recovery makes them due in steps, wakes the engine and tells how far it has come", async () => {
  const requests: Requeue[] = [];
  const { counter, watch } = countingWrites(watchingSteps((request) => requests.push(request)));
  await using bench = await createBenchWithWebhook({ watch });
  const { id, webhooks, clock } = bench;
  await bench.makeWaiting(450, { held: true, occurredAtMs: clock.now() - 1 });
  counter.writes = 0;

  const job = jobOf(await webhooks.recover(id, { since: SINCE }));
  assert.deepEqual([job.state, job.total, job.requeued], ["running", 450, 0]);
  await webhooks.settled();

  const { recovery } = await webhooks.read(id);
  assert.partialDeepStrictEqual(recovery, {
    state: "done",
    total: 450,
    requeued: 450,
    sinceMs: clock.now() - HOUR_MS,
    untilMs: clock.now(),
  });
  assert.deepEqual(requests.map(({ limit }) => limit), [200, 200, 200]);
  assert.equal(await bench.count("pending"), 450);
  assert.equal(bench.wakes(), 3);
  assert.equal(counter.writes, 2, "its beginning and its end");
});

Deno.test("what is recovered starts its ladder anew", async () => {
  await using bench = await createBenchWithWebhook();
  const { id, webhooks, store, clock } = bench;
  await bench.makeWaiting(1, { occurredAtMs: clock.now() - 1 });
  await bench.settleDueAs("dead");
  await webhooks.recover(id, { since: SINCE });
  await webhooks.settled();
  const [delivery] = (await claimDeliveries(store, clock.now())).deliveries;
  assert.equal(delivery?.attempt, 1);
});

Deno.test("a long recovery writes its progress every 5,000 deliveries, a slow one every 20 s", async () => {
  const long = countingWrites();
  await using fast = await createBenchWithWebhook({ watch: long.watch });
  await fast.makeWaiting(10_100, { held: true, occurredAtMs: fast.clock.now() - 1 });
  long.counter.writes = 0;
  await fast.webhooks.recover(fast.id, { since: SINCE });
  await fast.webhooks.settled();
  assert.equal(long.counter.writes, 4);

  const slow = countingWrites(watchingSteps(() => bench.clock.advance(11_000)));
  await using bench = await createBenchWithWebhook({ watch: slow.watch });
  await bench.makeWaiting(1_100, { held: true, occurredAtMs: bench.clock.now() - 1 });
  slow.counter.writes = 0;
  await bench.webhooks.recover(bench.id, { since: SINCE });
  await bench.webhooks.settled();
  assert.equal(slow.counter.writes, 4, "six steps of 11 s");
});

Deno.test("a webhook runs one recovery at a time: who asks again is told of that", async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  await using bench = await createBenchWithWebhook({ watch: watchingSteps(() => gate) });
  const { id, webhooks, clock } = bench;
  await bench.makeWaiting(1, { held: true, occurredAtMs: clock.now() - 1 });
  const first = jobOf(await webhooks.recover(id, { since: SINCE }));
  const second = jobOf(await webhooks.recover(id, { since: "2026-11-22T08:00:00Z" }));
  assert.deepEqual(second, first);
  const enabled = await webhooks.enable(id);
  assert.deepEqual(enabled.recovery, first);
  open();
  await webhooks.settled();
  const third = jobOf(await webhooks.recover(id, { since: SINCE }));
  assert.notEqual(third.runner, first.runner);
});

Deno.test("a disabled webhook is not recovered but may be counted for; an unknown one is NotFound", async () => {
  await using bench = await createBenchWithWebhook();
  const { id, webhooks, clock } = bench;
  await bench.makeWaiting(5, { occurredAtMs: clock.now() - 1 });
  await webhooks.disable(id, "a test");
  await webhooks.settled();
  const counted = await webhooks.recover(id, { since: SINCE, dryRun: true });
  assert.partialDeepStrictEqual(counted, { kind: "counted", count: 5 });
  await assert.rejects(webhooks.recover(id, { since: SINCE }), (error) => {
    assert.ok(error instanceof InvalidParameter);
    assert.match(error.message, /expected it to be enabled first/);
    return true;
  });
  assert.equal(await bench.count("held"), 5);
  await assert.rejects(webhooks.recover("wh_unknown", { since: SINCE }), NotFound);
});

Deno.test("enabling brings back all that is held, however old, and leaves what is dead", async () => {
  await using bench = await createBenchWithWebhook();
  const { id, webhooks, clock } = bench;
  await bench.makeWaiting(2);
  await bench.settleDueAs("dead");
  await webhooks.disable(id, "a test");
  await webhooks.settled();
  await bench.makeWaiting(250, { held: true, occurredAtMs: clock.now() });
  clock.advance(160 * HOUR_MS);
  await bench.makeWaiting(50, { held: true, occurredAtMs: clock.now() - 1 });

  const enabled = await webhooks.enable(id);
  assert.deepEqual([enabled.disabled, enabled.enabledAtMs], [null, clock.now()]);
  assert.partialDeepStrictEqual(enabled.recovery, { state: "running", total: 300 });
  await webhooks.settled();
  assert.deepEqual([await bench.count("held"), await bench.count("dead")], [0, 2]);
  const { recovery } = await webhooks.read(id);
  assert.partialDeepStrictEqual(recovery, { state: "done", requeued: 300 });
  assert.ok(bench.wakes() > 0);
});

Deno.test("enabling what is enabled brings back what is held all the same, and else changes nothing", async () => {
  await using bench = await createBenchWithWebhook();
  const { id, webhooks, clock } = bench;
  const before = await webhooks.read(id);
  assert.deepEqual(await webhooks.enable(id), before);
  await bench.makeWaiting(3, { held: true, occurredAtMs: clock.now() - 1 });
  await webhooks.enable(id);
  await webhooks.settled();
  assert.equal(await bench.count("held"), 0);
});

Deno.test("disabling stops a recovery under way, and all that it brought back is held again", async () => {
  let disabling: Promise<unknown> | null = null;
  const watch = watchingSteps((_request, step) => {
    if (step === 2) disabling ??= bench.webhooks.disable(bench.id, "a test");
    return disabling;
  });
  await using bench = await createBenchWithWebhook({ watch });
  const { id, webhooks, clock } = bench;
  await bench.makeWaiting(900, { held: true, occurredAtMs: clock.now() - 1 });
  await webhooks.recover(id, { since: SINCE });
  await webhooks.settled();
  assert.equal((await webhooks.read(id)).recovery?.state, "stopped");
  assert.equal(await bench.count("held"), 900);

  await webhooks.enable(id);
  await webhooks.settled();
  assert.equal(await bench.count("held"), 0);
});

Deno.test("deleting the webhook ends its recovery", async () => {
  let steps = 0;
  const watch = watchingSteps(async () => {
    steps++;
    await bench.webhooks.delete(bench.id).catch(() => {});
  });
  await using bench = await createBenchWithWebhook({ watch });
  await bench.makeWaiting(900, { held: true, occurredAtMs: bench.clock.now() - 1 });
  await bench.webhooks.recover(bench.id, { since: SINCE });
  await bench.webhooks.settled();
  assert.equal(steps, 1);
});

Deno.test("a stopped instance leaves its recovery to the next start, which brings back the rest", async () => {
  const cursors: (string | undefined)[] = [];
  const watch = watchingSteps(({ cursor }, step) => {
    cursors.push(cursor);
    // Not awaited: stopping waits for this very step.
    if (step === 2) void bench.webhooks.stop();
    bench.clock.advance(11_000);
  });
  await using bench = await createBenchWithWebhook({ watch });
  const { id, webhooks, clock } = bench;
  await bench.makeWaiting(900, { held: true, occurredAtMs: clock.now() - 1 });
  await webhooks.recover(id, { since: SINCE });
  await webhooks.settled();
  assert.partialDeepStrictEqual((await webhooks.read(id)).recovery, {
    state: "running",
    requeued: 400,
  });

  const next = bench.another();
  await next.resume();
  await next.settled();
  assert.partialDeepStrictEqual((await webhooks.read(id)).recovery, {
    state: "done",
    total: 900,
    requeued: 900,
  });
  assert.equal(await bench.count("held"), 0);
  // It carried on where the record said, not at the beginning.
  assert.deepEqual(cursors.map((cursor) => cursor === undefined), [
    true,
    ...cursors.slice(1).map(() => false),
  ]);
});

Deno.test("what a run did after it last wrote is counted by the one that carries on", async () => {
  const watch = watchingSteps((_request, step) => {
    if (step === 3) throw new StoreUnavailable("requeue deliveries");
  });
  await using bench = await createBenchWithWebhook({ watch });
  const { id, webhooks, clock } = bench;
  await bench.makeWaiting(900, { held: true, occurredAtMs: clock.now() - 1 });
  await webhooks.recover(id, { since: SINCE });
  await webhooks.settled();
  assert.partialDeepStrictEqual((await webhooks.read(id)).recovery, {
    state: "running",
    requeued: 0,
  });
  assert.equal(bench.log.of("webhook.background_failed").length, 1);

  await bench.another().resume();
  await Promise.all(bench.services().map((service) => service.settled()));
  assert.partialDeepStrictEqual((await webhooks.read(id)).recovery, {
    state: "done",
    requeued: 900,
  });
});

Deno.test("a recovery whose run has died is carried on after a minute, by any instance", async () => {
  const watch = watchingSteps((_request, step) => {
    if (step === 1) throw new StoreUnavailable("requeue deliveries");
  });
  await using bench = await createBenchWithWebhook({ watch });
  const { id, webhooks, clock } = bench;
  await bench.makeWaiting(300, { held: true, occurredAtMs: clock.now() - 1 });
  await webhooks.recover(id, { since: SINCE });
  await webhooks.settled();

  const sweep = async () => {
    await webhooks.resumeStale();
    await webhooks.settled();
  };
  clock.advance(59_999);
  await sweep();
  assert.equal(await bench.count("held"), 300);
  clock.advance(1);
  await sweep();
  assert.equal(await bench.count("held"), 0);
  assert.equal((await webhooks.read(id)).recovery?.state, "done");
});

Deno.test("a run that is alive is left alone by sweeps, its own instance's and others'", async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  await using bench = await createBenchWithWebhook({ watch: watchingSteps(() => gate) });
  const { id, webhooks, clock } = bench;
  await bench.makeWaiting(1, { held: true, occurredAtMs: clock.now() - 1 });
  const { runner } = jobOf(await webhooks.recover(id, { since: SINCE }));
  clock.advance(30_000);
  await bench.another().resumeStale();
  clock.advance(60_000);
  await webhooks.resumeStale();
  await webhooks.resume();
  assert.equal((await webhooks.read(id)).recovery?.runner, runner);
  open();
  await webhooks.settled();
});

Deno.test("a run whose job was taken over stops, and the record is the other one's", async () => {
  const reached = Promise.withResolvers<void>();
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const watch = watchingSteps((_request, step) => {
    if (step !== 1) return;
    reached.resolve();
    return gate;
  });
  await using bench = await createBenchWithWebhook({ watch });
  const { id, webhooks, clock } = bench;
  await bench.makeWaiting(500, { held: true, occurredAtMs: clock.now() - 1 });
  const { runner } = jobOf(await webhooks.recover(id, { since: SINCE }));
  await reached.promise;
  const other = bench.another();
  await other.resume();
  await other.settled();
  const taken = (await webhooks.read(id)).recovery;
  assert.notEqual(taken?.runner, runner);
  assert.equal(taken?.state, "done");

  clock.advance(2_000);
  open();
  await webhooks.settled();
  assert.deepEqual((await webhooks.read(id)).recovery, taken);
});

Deno.test("what was held by an instance that had not heard of the enabling comes back at a sweep", async () => {
  let steps = 0;
  await using bench = await createBenchWithWebhook({ watch: watchingSteps(() => steps++) });
  const { id, webhooks, store, clock } = bench;
  await bench.makeWaiting(1, { occurredAtMs: clock.now() - 1 });
  const [delivery] = (await claimDeliveries(store, clock.now())).deliveries;
  assert.ok(delivery !== undefined);
  await webhooks.disable(id, "a test");
  await webhooks.enable(id);
  await webhooks.settled();
  await settle(store, delivery, { status: "held" }, clock.now());

  clock.advance(MINUTE_MS);
  await webhooks.resumeStale();
  await webhooks.settled();
  assert.equal(await bench.count("held"), 0);

  const stepsThen = steps;
  clock.advance(2 * MINUTE_MS);
  await webhooks.resumeStale();
  await webhooks.settled();
  assert.equal(steps, stepsThen, "after three minutes nobody can be late any more");
});

Deno.test("sweeping when there is nothing to carry on asks the store for the list alone, from memory if it can", async () => {
  let calls = 0;
  const watch = (store: Store): Store => ({
    ...store,
    listWebhooks() {
      calls++;
      return store.listWebhooks();
    },
    requeueDeliveries: () => assert.fail("nothing was to be requeued"),
  });
  await using bench = await createBenchWithWebhook({ watch });
  await bench.webhooks.all();
  calls = 0;
  await bench.webhooks.resumeStale();
  assert.equal(calls, 0);
  bench.clock.advance(MINUTE_MS);
  await bench.webhooks.resumeStale();
  assert.equal(calls, 1);
});

Deno.test("a store that is away at the start or at a sweep is logged, not thrown", async () => {
  await using bench = await createBenchWithWebhook();
  await bench.store.close();
  await bench.another().resume();
  await bench.another().resumeStale();
  assert.equal(bench.log.of("webhook.resume_failed").length, 2);
});
