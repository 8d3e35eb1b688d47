import { StoreUnavailable } from "../../../services/errors.ts";
import type { WebhookStore } from "../../../services/store/port/webhooks.ts";
import assert from "node:assert/strict";
import { createVirtualClock } from "../../support/virtual_clock.ts";
import { openSqliteStore } from "../../../services/store/sqlite/store.ts";
import { createWebhookRegistry, MAX_AGE_MS } from "../../../services/webhooks/registry.ts";
import { createTestWebhooks } from "../../support/webhooks.ts";
import { POLICY } from "../../support/drafts.ts";

/** A registry over a real store, and how often it listed what is there. */
async function createBench() {
  const parts = createTestWebhooks();
  const { webhooks, store, clock } = parts;
  const { webhook } = await webhooks.create({ url: "https://hook.test/" });
  let listings = 0;
  const counting: WebhookStore = {
    ...store,
    listWebhooks() {
      listings += 1;
      return store.listWebhooks();
    },
  };
  const registry = createWebhookRegistry({ store: counting, clock });
  return {
    ...parts,
    registry,
    webhook,
    listings: () => listings,
  };
}

Deno.test("attempts at one time share one reading of the store", async () => {
  await using bench = await createBench();
  const { registry, webhook } = bench;
  const found = await Promise.all([registry.get(webhook.id), registry.get(webhook.id)]);
  assert.deepEqual(found, [webhook, webhook]);
  assert.equal(bench.listings(), 1);
});

Deno.test("a webhook that another instance registered just now is found, and one that nobody has is not", async () => {
  await using bench = await createBench();
  const { registry, webhook, webhooks } = bench;
  await registry.get(webhook.id);
  const { webhook: other } = await webhooks.create({ url: "https://other.test/" });
  assert.deepEqual(await registry.get(other.id), other);
  assert.equal(await registry.get("wh_unknown"), null);
  assert.equal(bench.listings(), 3);
});

Deno.test("another instance's change shows after two seconds at most, one's own at once", async () => {
  await using bench = await createBench();
  const { registry, webhook, webhooks, clock } = bench;
  await registry.get(webhook.id);
  await webhooks.patch(webhook.id, { description: "changed" });

  clock.advance(MAX_AGE_MS - 1);
  assert.equal((await registry.get(webhook.id))?.description, null);
  clock.advance(1);
  assert.equal((await registry.get(webhook.id))?.description, "changed");

  await registry.delete(webhook.id);
  assert.equal(await registry.get(webhook.id), null);
  assert.equal(MAX_AGE_MS, 2_000);
});

Deno.test("all of them come from the same reading, those left out that cannot be read", async () => {
  await using bench = await createBench();
  const { registry, webhook, webhooks, store } = bench;
  await store.putWebhook({ id: "wh_0", json: '{"url":1}' });
  const { webhook: second } = await webhooks.create({ url: "https://hook.test/2" });
  assert.deepEqual(await registry.all(), [webhook, second]);
  assert.deepEqual(await registry.get(webhook.id), webhook);
  assert.equal(await registry.all(), await registry.all());
  assert.equal(bench.listings(), 1);

  await webhooks.delete(second.id);
  bench.clock.advance(MAX_AGE_MS);
  assert.deepEqual(await registry.all(), [webhook]);
});

Deno.test("a reading that failed is not remembered", async () => {
  await using bench = await createBench();
  const { store, clock, webhook } = bench;
  let isDown = true;
  const registry = createWebhookRegistry({
    clock,
    store: {
      ...store,
      listWebhooks: () =>
        isDown ? Promise.reject(new StoreUnavailable("list the webhooks")) : store.listWebhooks(),
    },
  });
  await assert.rejects(registry.get(webhook.id), StoreUnavailable);
  isDown = false;
  assert.deepEqual(await registry.get(webhook.id), webhook);
});

Deno.test("two instances changing one webhook at once lose neither change", async () => {
  await using parts = createTestWebhooks();
  const { webhook } = await parts.webhooks.create({ url: "https://hook.test/" });
  const instance = () => createWebhookRegistry({ store: parts.store, clock: parts.clock });
  const [one, other] = [instance(), instance()];
  await Promise.all(Array.from({ length: 4 }, async (_, n) => {
    const registry = n % 2 === 0 ? one : other;
    await registry.change(webhook.id, (present) => ({
      ...present,
      eventTypes: [...present.eventTypes, `session.${n}`],
    }));
  }));
  const { eventTypes } = await one.read(webhook.id);
  assert.deepEqual(eventTypes.toSorted(), [
    "*",
    "session.0",
    "session.1",
    "session.2",
    "session.3",
  ]);
});

Deno.test("change() of a webhook that is not there gives null", async () => {
  const store = openSqliteStore({ path: ":memory:", sync: "normal", policy: POLICY });
  const registry = createWebhookRegistry({ store: store, clock: createVirtualClock() });
  assert.equal(await registry.change("wh_none", (present) => present), null);
  await store.close();
});
