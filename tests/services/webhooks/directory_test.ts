import assert from "node:assert/strict";
import { StoreUnavailable } from "../../../services/errors.ts";
import type { WebhookStore } from "../../../services/store/port/webhooks.ts";
import { createWebhookDirectory, MAX_AGE_MS } from "../../../services/webhooks/directory.ts";
import { createTestWebhooks } from "../../support/webhooks.ts";

/** A directory over a real registry, and how often it asked it. */
async function createBench() {
  const parts = createTestWebhooks();
  const { webhooks, store, clock } = parts;
  const { webhook } = await webhooks.create({ url: "https://hook.test/" });
  let listings = 0;
  const registry: Pick<WebhookStore, "listWebhooks"> = {
    listWebhooks() {
      listings += 1;
      return store.listWebhooks();
    },
  };
  const directory = createWebhookDirectory({ registry, clock });
  return {
    ...parts,
    directory,
    webhook,
    listings: () => listings,
  };
}

Deno.test("attempts at one time share one reading of the registry", async () => {
  await using bench = await createBench();
  const { directory, webhook } = bench;
  const found = await Promise.all([directory.get(webhook.id), directory.get(webhook.id)]);
  assert.deepEqual(found, [webhook, webhook]);
  assert.equal(bench.listings(), 1);
});

Deno.test("a webhook that another instance registered just now is found, and one that nobody has is not", async () => {
  await using bench = await createBench();
  const { directory, webhook, webhooks } = bench;
  await directory.get(webhook.id);
  const { webhook: other } = await webhooks.create({ url: "https://other.test/" });
  assert.deepEqual(await directory.get(other.id), other);
  assert.equal(await directory.get("wh_unknown"), null);
  assert.equal(bench.listings(), 3);
});

Deno.test("another instance's change shows after two seconds at most, one's own at once", async () => {
  await using bench = await createBench();
  const { directory, webhook, webhooks, clock } = bench;
  await directory.get(webhook.id);
  await webhooks.patch(webhook.id, { description: "changed" });

  clock.advance(MAX_AGE_MS - 1);
  assert.equal((await directory.get(webhook.id))?.description, null);
  clock.advance(1);
  assert.equal((await directory.get(webhook.id))?.description, "changed");

  await webhooks.delete(webhook.id);
  directory.forget();
  assert.equal(await directory.get(webhook.id), null);
  assert.equal(MAX_AGE_MS, 2_000);
});

Deno.test("all of them come from the same reading, those left out that cannot be read", async () => {
  await using bench = await createBench();
  const { directory, webhook, webhooks, store } = bench;
  await store.putWebhook({ id: "wh_0", json: '{"url":1}' });
  const { webhook: second } = await webhooks.create({ url: "https://hook.test/2" });
  assert.deepEqual(await directory.all(), [webhook, second]);
  assert.deepEqual(await directory.get(webhook.id), webhook);
  assert.equal(await directory.all(), await directory.all());
  assert.equal(bench.listings(), 1);

  await webhooks.delete(second.id);
  bench.clock.advance(MAX_AGE_MS);
  assert.deepEqual(await directory.all(), [webhook]);
});

Deno.test("a reading that failed is not remembered", async () => {
  await using bench = await createBench();
  const { store, clock, webhook } = bench;
  let isDown = true;
  const directory = createWebhookDirectory({
    clock,
    registry: {
      listWebhooks: () =>
        isDown ? Promise.reject(new StoreUnavailable("list the webhooks")) : store.listWebhooks(),
    },
  });
  await assert.rejects(directory.get(webhook.id), StoreUnavailable);
  isDown = false;
  assert.deepEqual(await directory.get(webhook.id), webhook);
});
