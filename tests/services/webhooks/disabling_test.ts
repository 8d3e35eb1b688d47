import assert from "node:assert/strict";
import { StoreUnavailable } from "../../../services/errors.ts";
import type { Store } from "../../../services/store/port/store.ts";
import { shouldDisable } from "../../../services/webhooks/disabling.ts";
import { claimDeliveries } from "../../support/drafts.ts";
import { createBenchWithWebhook } from "./held_deliveries.ts";

const HOUR_MS = 3_600_000;
const NOW_MS = Date.parse("2026-11-22T10:00:00.000Z");

const RULE: readonly [failures: number, hours: number, disables: boolean][] = [
  [20, 72, true],
  [19, 72, false],
  [19, 1_000, false],
  [20, 71.999, false],
  [10_000, 71, false],
  [10_000, 100, true],
];

for (const [failures, hours, disables] of RULE) {
  Deno.test(`${failures} failures over ${hours} h ${disables ? "" : "do not "}disable`, () => {
    assert.equal(shouldDisable({ failures, sinceMs: NOW_MS - hours * HOUR_MS }, NOW_MS), disables);
  });
}

/** How the sink stands when the rule is just met. */
const failing = (sinkId: string, nowMs: number) => [
  { sinkId, failures: 20, sinceMs: nowMs - 72 * HOUR_MS },
];

Deno.test("disabling holds all that waits for the webhook, step by step, and nothing else", async () => {
  const steps: number[] = [];
  const watch = (store: Store): Store => ({
    ...store,
    async holdDeliveries(request) {
      const held = await store.holdDeliveries(request);
      steps.push(held);
      return held;
    },
  });
  await using bench = await createBenchWithWebhook({ watch });
  const { id, webhooks } = bench;
  const { webhook: other } = await webhooks.create({ url: "https://hook.test/other" });
  await bench.makeWaiting(1_100);
  await bench.makeWaiting(3, { sinkId: other.id });
  await claimDeliveries(bench.store, bench.clock.now(), { limit: 1, capacity: { [other.id]: 0 } });

  assert.equal(await webhooks.disable(id, "a test"), true);
  await webhooks.settled();
  assert.deepEqual([await bench.count("held"), await bench.count("delivering")], [1_099, 1]);
  assert.equal(await bench.count("pending", other.id), 3);
  assert.deepEqual(steps, [500, 500, 99, 0]);

  assert.equal(await webhooks.disable(id, "again"), false);
  await webhooks.settled();
  assert.equal(steps.length, 4);
});

Deno.test("what waits is held no further once the webhook is enabled again", async () => {
  let enabling: Promise<unknown> | null = null;
  let steps = 0;
  const watch = (store: Store): Store => ({
    ...store,
    async holdDeliveries(request) {
      steps++;
      const held = await store.holdDeliveries(request);
      enabling ??= bench.webhooks.enable(bench.id);
      await enabling;
      return held;
    },
  });
  await using bench = await createBenchWithWebhook({ watch });
  await bench.makeWaiting(1_100);
  await bench.webhooks.disable(bench.id, "a test");
  await bench.webhooks.settled();
  assert.deepEqual([await bench.count("held"), await bench.count("pending")], [0, 1_100]);
  assert.equal(steps, 1);
});

Deno.test("a webhook that only fails is disabled once, with the reason, and it is told", async () => {
  await using bench = await createBenchWithWebhook();
  const { id, webhooks, clock, store } = bench;
  const { webhook: listener } = await webhooks.create({
    url: "https://hook.test/listener",
    eventTypes: ["webhook.*"],
  });
  await bench.makeWaiting(2);
  const healths = failing(id, clock.now());
  await Promise.all([webhooks.noteFailing(healths), webhooks.noteFailing(healths)]);
  await webhooks.settled();

  const reason = "20 attempts failed and none succeeded since 2026-11-19T10:00:00.000Z";
  assert.deepEqual((await webhooks.read(id)).disabled, { reason, atMs: clock.now() });
  const { items } = await store.listEvents({ limit: 10, type: "webhook.disabled" });
  const told = items.map(({ sessionId, dataJson }) => [sessionId, JSON.parse(dataJson)]);
  assert.deepEqual(told, [[null, { webhookId: id, reason }]]);
  const deliveries = (await store.listDeliveries({ limit: 10 })).items;
  assert.deepEqual(
    deliveries.map(({ sinkId, eventType, status }) => [sinkId, eventType, status]),
    [
      [id, "session.status_changed", "held"],
      [id, "session.status_changed", "held"],
      [id, "webhook.disabled", "held"],
      [listener.id, "webhook.disabled", "pending"],
    ],
  );
  assert.equal(bench.log.of("webhook.disabled").length, 1);
});

Deno.test("sinks that are not to be disabled cost the store nothing", async () => {
  let calls = 0;
  const watch = (store: Store): Store => ({
    ...store,
    listWebhooks() {
      calls++;
      return store.listWebhooks();
    },
  });
  await using bench = await createBenchWithWebhook({ watch });
  const { id, webhooks, clock } = bench;
  calls = 0;
  const nowMs = clock.now();
  await webhooks.noteFailing([
    { sinkId: id, failures: 500, sinceMs: nowMs - 71 * HOUR_MS },
    { sinkId: id, failures: 19, sinceMs: 0 },
  ]);
  assert.equal(calls, 0);
  await webhooks.noteFailing(failing("wh_unknown", nowMs));
  assert.equal(calls, 1);
  assert.equal((await webhooks.read(id)).disabled, null);
});

Deno.test("an enabling gives the webhook its 72 hours anew, although its failures are counted on", async () => {
  await using bench = await createBenchWithWebhook();
  const { id, webhooks, clock } = bench;
  await webhooks.disable(id, "a test");
  const sinceMs = clock.now() - 100 * HOUR_MS;
  await webhooks.enable(id);
  await webhooks.noteFailing([{ sinkId: id, failures: 25, sinceMs }]);
  clock.advance(72 * HOUR_MS - 1);
  await webhooks.noteFailing([{ sinkId: id, failures: 26, sinceMs }]);
  assert.equal((await webhooks.read(id)).disabled, null);
  clock.advance(1);
  await webhooks.noteFailing([{ sinkId: id, failures: 27, sinceMs }]);
  assert.ok((await webhooks.read(id)).disabled !== null);
});

Deno.test("a store that is away while a sink is to be disabled is logged, and the next sink has its turn", async () => {
  let isDown = true;
  const watch = (store: Store): Store => ({
    ...store,
    putWebhook: (entry) =>
      isDown ? Promise.reject(new StoreUnavailable("store the webhook")) : store.putWebhook(entry),
  });
  isDown = false;
  await using bench = await createBenchWithWebhook({ watch });
  const { id, webhooks, clock } = bench;
  isDown = true;
  await webhooks.noteFailing(failing(id, clock.now()));
  assert.equal(bench.log.of("webhook.disable_failed").length, 1);
  isDown = false;
  await webhooks.noteFailing(failing(id, clock.now()));
  assert.ok((await webhooks.read(id)).disabled !== null);
});
