import { createDirectClient } from "../../support/direct_client.ts";
import assert from "node:assert/strict";
import { createDeliveryEngine, type DeliveryEngine } from "../../../services/delivery/engine.ts";
import { createGovernor } from "../../../services/delivery/governor.ts";
import { createSettler } from "../../../services/delivery/settler.ts";
import { createSigner } from "../../../services/webhooks/sending/signing.ts";
import { createWebhookSink } from "../../../services/webhooks/sending/webhook_sink.ts";
import { createIds } from "../../../services/support/ids.ts";
import type { DeliveryStatus } from "../../../services/store/port/deliveries.ts";
import type { Store } from "../../../services/store/port/store.ts";
import { deliveryRate } from "../../../services/webhooks/rate_limit.ts";
import {
  startWebhookConsumer,
  type WebhookConsumer,
} from "../../../simulator/webhook_consumer/server.ts";
import { createMemoryLog } from "../../support/memory_log.ts";
import { type ObservedOutbox, observeOutbox } from "../../support/observed_outbox.ts";
import { createTestWebhooks } from "../../support/webhooks.ts";

/** Webhooks with the delivery engine at work on them, a consumer, and a clock that stands still. */
async function startBench() {
  let observed: ObservedOutbox | null = null;
  let engine: DeliveryEngine | null = null;
  const watch = (store: Store): Store => (observed = observeOutbox(store)).store;
  const parts = createTestWebhooks({ watch, onDue: () => engine?.wake() });
  const { webhooks, publisher, store, clock } = parts;
  const consumer: WebhookConsumer = await startWebhookConsumer({ clock });
  const log = createMemoryLog();
  const client = createDirectClient();
  const sink = createWebhookSink({
    webhooks,
    readCredentials: webhooks.readCredentials,
    signer: createSigner(),
    transport: client.transport,
    clock,
    random: () => 0.5,
    log,
    timeoutMs: 15_000,
    retryWaitsMs: [5_000],
    version: "test",
  });
  const settings = async () =>
    (await webhooks.all()).map((webhook) => ({
      sinkId: webhook.id,
      concurrency: webhook.concurrency,
      rate: deliveryRate(webhook),
    }));
  const leaseMs = 30_000;
  engine = createDeliveryEngine({
    outbox: store,
    settler: createSettler({
      outbox: store,
      publisher,
      clock,
      log,
      onFailing: webhooks.noteFailing,
    }),
    governor: createGovernor({ settings, clock, log, concurrencyPerSink: 10 }),
    sinkFor: () => sink,
    clock,
    random: () => 0.5,
    ids: createIds(),
    log,
    leaseMs,
  });
  const { webhook: { id }, secret } = await webhooks.create({
    url: consumer.url,
    eventTypes: ["session.*"],
  });
  consumer.setSecret(secret ?? "");
  engine.start();
  const running = engine;

  return {
    ...parts,
    consumer,
    id,
    async publishOneOfEach(sessionIds: readonly string[]) {
      for (const sessionId of sessionIds) {
        await publisher.publishOwn({ type: "session.status_changed", sessionId, data: {} });
      }
    },
    /** Resolves once the webhook has so many deliveries of that status. */
    untilThereAre: (count: number, status: DeliveryStatus) =>
      observed?.until(async () => {
        const { items } = await store.listDeliveries({ limit: 100, sinkId: id, status });
        return items.length === count;
      }),
    async [Symbol.asyncDispose]() {
      await running.stop(0);
      client.close();
      await consumer.close();
      await parts[Symbol.asyncDispose]();
    },
  };
}

Deno.test("what happens while a webhook is disabled is held, and enabling sends it all in order", async () => {
  await using bench = await startBench();
  const { consumer, webhooks, id } = bench;
  consumer.respond(() => ({ kind: "answer", status: 410 }));
  await bench.publishOneOfEach(["S0"]);
  await bench.untilThereAre(1, "dead");
  for (let count = 0; count < 3; count++) await bench.publishOneOfEach(["S1", "S2", "S3"]);
  await bench.untilThereAre(9, "held");
  assert.equal(consumer.deliveries.length, 1);

  consumer.respond(() => ({ kind: "answer", status: 204 }));
  await webhooks.enable(id);
  await bench.untilThereAre(9, "delivered");
  const told = consumer.deliveries.slice(1).map(({ body }) => JSON.parse(body).data);
  for (const sessionId of ["S1", "S2", "S3"]) {
    const ofSession = told.filter((data) => data.sessionId === sessionId);
    assert.deepEqual(ofSession.map(({ sequence }) => sequence), [1, 2, 3], sessionId);
  }
});

Deno.test("a webhook that has failed for 72 hours is disabled by its next failure", async () => {
  await using bench = await startBench();
  const { consumer, webhooks, id, clock, log } = bench;
  consumer.respond(() => ({ kind: "answer", status: 500 }));
  await bench.publishOneOfEach(Array.from({ length: 10 }, (_, at) => `S${at}`));
  await bench.untilThereAre(10, "retrying");
  clock.advance(5_000);
  await bench.untilThereAre(10, "dead");
  assert.equal((await webhooks.read(id)).disabled, null);

  clock.advance(72 * 3_600_000);
  await bench.publishOneOfEach(["S10", "S10"]);
  await log.whenLogged("webhook.disabled");
  await bench.untilThereAre(2, "held");
  assert.match((await webhooks.read(id)).disabled?.reason ?? "", /^21 attempts failed and none/);
});
