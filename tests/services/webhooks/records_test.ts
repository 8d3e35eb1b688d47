import assert from "node:assert/strict";
import { createVirtualClock } from "../../support/virtual_clock.ts";
import { openSqliteStore } from "../../../services/store/sqlite/store.ts";
import { createWebhookRecords } from "../../../services/webhooks/records.ts";
import { createTestWebhooks } from "../../support/webhooks.ts";
import { POLICY } from "../store/drafts.ts";

Deno.test("two instances changing one webhook at once lose neither change", async () => {
  await using parts = createTestWebhooks();
  const { webhook } = await parts.webhooks.create({ url: "https://hook.test/" });
  const instance = () => createWebhookRecords({ registry: parts.store, clock: parts.clock });
  const [one, other] = [instance(), instance()];
  await Promise.all(Array.from({ length: 4 }, async (_, n) => {
    const records = n % 2 === 0 ? one : other;
    await records.change(webhook.id, (present) => ({
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
  const records = createWebhookRecords({ registry: store, clock: createVirtualClock() });
  assert.equal(await records.change("wh_none", (present) => present), null);
  await store.close();
});
