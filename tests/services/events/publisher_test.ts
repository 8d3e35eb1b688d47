import assert from "node:assert/strict";
import { webhookRecord } from "../../support/webhook_record.ts";
import { StoreUnavailable } from "../../../services/errors.ts";
import { createIds } from "../../../services/support/ids.ts";
import { readNotifications } from "../../../services/contact_centre/dialect/notifications.ts";
import type { Store } from "../../../services/store/port/store.ts";
import { composePublisher } from "../../../composition/publisher.ts";
import { openSqliteStore } from "../../../services/store/sqlite/store.ts";
import { encodeWebhook, type Webhook } from "../../../services/webhooks/webhook.ts";
import { createMemoryLog } from "../../support/memory_log.ts";
import { createVirtualClock } from "../../support/virtual_clock.ts";
import {
  agentTexts,
  seedNotification,
  SESSION_ID,
  statusChange,
} from "../contact_centre/dialect/samples.ts";
import { spelledValue } from "../../support/spelled.ts";

const POLICY = { sessionTtlMs: 86_400_000, eventRetentionMs: 604_800_000 };
const WEBHOOK_1 = "wh_01JD9P5Q6R7S8T9V0W1X2Y3Z41";
const WEBHOOK_2 = "wh_01JD9P5Q6R7S8T9V0W1X2Y3Z42";

/** A publisher over a real store; `watch` puts itself between the two. */
function setUp({ watch = (store: Store): Store => store, smsEnabled = true } = {}) {
  const store = openSqliteStore({ path: ":memory:", sync: "normal", policy: POLICY });
  const watched = watch(store);
  const clock = createVirtualClock();
  const log = createMemoryLog();
  const wakes: number[] = [];
  let lists = 0;
  const publisher = composePublisher({
    store: {
      publish: (request) => watched.publish(request),
      listWebhooks: () => {
        lists++;
        return watched.listWebhooks();
      },
    },
    clock,
    ids: createIds(),
    log,
    smsEnabled,
    onPublished: (deliveries) => wakes.push(deliveries),
  });
  return {
    publisher,
    store,
    clock,
    log,
    wakes,
    lists: () => lists,
    put: (record: Webhook) => store.putWebhook(encodeWebhook(record)),
    publish: (...notifications: unknown[]) => publisher.publishNotifications(parsed(notifications)),
    async events() {
      return (await store.listEvents({ limit: 100 })).items;
    },
    async deliveries() {
      return (await store.listDeliveries({ limit: 100 })).items;
    },
    async map(sessionId = SESSION_ID, agentId = "agent-1") {
      const nowMs = clock.now();
      const token = "claim";
      await store.claimSession({ sessionId, agentId, token, nowMs, untilMs: nowMs + 60_000 });
      const { draft, webhooksVersion } = await publisher.draft({
        type: "session.accepted",
        sessionId,
        data: { nickname: "Marat" },
      });
      const confirmation = { sessionId, agentId, nickname: "Marat", as: "holder" } as const;
      return await store.confirmSession(
        { ...confirmation, nowMs, acceptedUpstreamMs: nowMs },
        draft,
        webhooksVersion,
      );
    },
    [Symbol.asyncDispose]: () => store.close(),
  };
}

function parsed(notifications: unknown) {
  const read = readNotifications(spelledValue(notifications));
  assert.ok(read.ok, read.ok ? "" : read.message);
  return read.notifications;
}

Deno.test("the three sample notifications become three numbered events, value for value", async () => {
  await using world = setUp();
  const seeds = await Promise.all([
    seedNotification("notification_1_status_change.json"),
    seedNotification("notification_2_participants_updated.json"),
    seedNotification("notification_3_new_messages.json"),
  ]);
  assert.deepEqual(await world.publish(...seeds), { accepted: 3, duplicates: 0, departed: 0 });
  const events = await world.events();
  assert.deepEqual(events.map(({ type, sequence }) => [type, sequence]), [
    ["session.status_changed", 1],
    ["session.participants_updated", 2],
    ["session.messages_added", 3],
  ]);
  assert.deepEqual(events.map(({ dataJson }) => JSON.parse(dataJson).notification), seeds);
});

Deno.test("an equal state notification within 60 s is a duplicate, and an event again after it", async () => {
  await using world = setUp();
  assert.deepEqual(await world.publish(statusChange("Chatting")), {
    accepted: 1,
    duplicates: 0,
    departed: 0,
  });
  world.clock.advance(59_999);
  assert.deepEqual(await world.publish(statusChange("Chatting")), {
    accepted: 0,
    duplicates: 1,
    departed: 0,
  });
  world.clock.advance(1);
  assert.deepEqual(await world.publish(statusChange("Chatting")), {
    accepted: 1,
    duplicates: 0,
    departed: 0,
  });
});

Deno.test("A, B, A within one request are three changes", async () => {
  await using world = setUp();
  const [a, b] = [statusChange("Chatting"), statusChange("LeftChat")];
  assert.deepEqual(await world.publish(a, b, a), { accepted: 3, duplicates: 0, departed: 0 });
  assert.deepEqual(await world.publish(a, a, b), { accepted: 1, duplicates: 2, departed: 0 });
});

Deno.test("messages are narrowed to those not seen before; without any it is a duplicate", async () => {
  await using world = setUp();
  await world.publish(agentTexts([1, 2]));
  assert.deepEqual(await world.publish(agentTexts([2, 1])), {
    accepted: 0,
    duplicates: 1,
    departed: 0,
  });
  assert.deepEqual(await world.publish(agentTexts([1, 3, 2, 4])), {
    accepted: 1,
    duplicates: 0,
    departed: 0,
  });
  const [, second] = await world.events();
  const { notification } = JSON.parse(second?.dataJson ?? "{}");
  assert.deepEqual(notification, agentTexts([3, 4]));
});

Deno.test("NewMessages without any message is a duplicate", async () => {
  await using world = setUp();
  assert.deepEqual(await world.publish(agentTexts([])), {
    accepted: 0,
    duplicates: 1,
    departed: 0,
  });
});

Deno.test("an event gets a delivery per webhook that wants its type", async () => {
  await using world = setUp();
  await world.put(webhookRecord(WEBHOOK_1, { eventTypes: ["session.status_changed"] }));
  await world.put(webhookRecord(WEBHOOK_2, { eventTypes: ["session.messages_added"] }));
  await world.publish(statusChange("Chatting"), statusChange("LeftChat"), agentTexts([1]));
  const deliveries = await world.deliveries();
  assert.deepEqual(deliveries.map(({ sinkId }) => sinkId), [WEBHOOK_1, WEBHOOK_1, WEBHOOK_2]);
  assert.deepEqual(world.wakes, [3]);
});

Deno.test("the engine is woken only when there is something to deliver", async () => {
  await using world = setUp();
  await world.publish(statusChange("Chatting"));
  world.publisher.published(0);
  assert.deepEqual(world.wakes, []);
  world.publisher.published(2);
  assert.deepEqual(world.wakes, [2]);
});

Deno.test("texts of the holder become SMS deliveries where SMS is on, and none where it is off", async () => {
  for (const smsEnabled of [true, false]) {
    await using world = setUp({ smsEnabled });
    await world.map();
    await world.publish(agentTexts([1, 2]));
    const sinks = (await world.deliveries()).map(({ sinkId }) => sinkId);
    assert.deepEqual(sinks, smsEnabled ? ["sms", "sms"] : []);
  }
});

Deno.test("a mapped session learns its state and customer from notifications", async () => {
  await using world = setUp();
  await world.map();
  await world.publish({
    notificationType: "PropertiesUpdated",
    smssession: { id: SESSION_ID, state: "Chatting", userData: { FromAddr: "16501111111" } },
  });
  const session = await world.store.readSession(SESSION_ID, {
    nowMs: world.clock.now(),
    slide: false,
  });
  assert.equal(session?.state, "Chatting");
  assert.deepEqual(session?.customer, { phone: "16501111111", sender: null });
});

Deno.test("nothing at all is published without asking the store", async () => {
  await using world = setUp();
  assert.deepEqual(await world.publisher.publishNotifications([]), {
    accepted: 0,
    duplicates: 0,
    departed: 0,
  });
  assert.equal(world.lists(), 0);
});

Deno.test("the webhooks are listed once, and again only after a change", async () => {
  await using world = setUp();
  await world.publish(statusChange("A"));
  await world.publish(statusChange("B"));
  assert.equal(world.lists(), 1);
  await world.put(webhookRecord(WEBHOOK_1));
  assert.deepEqual(await world.publish(statusChange("C")), {
    accepted: 1,
    duplicates: 0,
    departed: 0,
  });
  assert.equal(world.lists(), 2);
  assert.equal((await world.deliveries()).length, 1);
});

Deno.test("publishes at the same time share one listing", async () => {
  await using world = setUp();
  await Promise.all(["A", "B", "C"].map((state) => world.publish(statusChange(state))));
  assert.equal(world.lists(), 1);
  assert.equal((await world.events()).length, 3);
});

Deno.test("a webhook registered in the middle of a publish still gets the event, once", async () => {
  let raced = false;
  await using world = setUp({
    watch: (store) => ({
      ...store,
      publish: async (request) => {
        if (!raced) await store.putWebhook(encodeWebhook(webhookRecord(WEBHOOK_1)));
        raced = true;
        return store.publish(request);
      },
    }),
  });
  assert.deepEqual(await world.publish(statusChange("A")), {
    accepted: 1,
    duplicates: 0,
    departed: 0,
  });
  assert.equal((await world.deliveries()).length, 1);
  assert.equal((await world.events()).length, 1);
});

Deno.test("a list of webhooks that never stops changing ends in StoreUnavailable", async () => {
  let tries = 0;
  await using world = setUp({
    watch: (store) => ({
      ...store,
      publish: async (request) => {
        tries++;
        await store.putWebhook(encodeWebhook(webhookRecord(WEBHOOK_1)));
        return store.publish(request);
      },
    }),
  });
  await assert.rejects(world.publish(statusChange("A")), StoreUnavailable);
  assert.equal(tries, 5);
  assert.deepEqual(await world.events(), []);
});

Deno.test("a listing that failed is repeated by the next publish", async () => {
  let failures = 1;
  await using world = setUp({
    watch: (store) => ({
      ...store,
      listWebhooks: () =>
        failures-- > 0
          ? Promise.reject(new StoreUnavailable("list the webhooks"))
          : store.listWebhooks(),
    }),
  });
  await assert.rejects(world.publish(statusChange("A")), StoreUnavailable);
  assert.deepEqual(await world.publish(statusChange("A")), {
    accepted: 1,
    duplicates: 0,
    departed: 0,
  });
});

Deno.test("a webhook that cannot be read is logged and does not stop the others", async () => {
  await using world = setUp();
  await world.store.putWebhook({ id: WEBHOOK_1, json: '{"url":1}' });
  await world.put(webhookRecord(WEBHOOK_2));
  await world.publish(statusChange("A"));
  assert.deepEqual((await world.deliveries()).map(({ sinkId }) => sinkId), [WEBHOOK_2]);
  assert.equal(world.log.of("webhook.unreadable")[0]?.fields.webhookId, WEBHOOK_1);
});

Deno.test("draft() addresses an own event to the webhooks, refresh() learns of new ones", async () => {
  await using world = setUp();
  const event = { type: "session.released", sessionId: "S1", data: { reason: "ended" } };
  const before = await world.publisher.draft(event);
  assert.deepEqual(before.draft.webhooks, []);
  await world.put(webhookRecord(WEBHOOK_1));
  await world.publisher.refresh();
  const { draft, webhooksVersion } = await world.publisher.draft(event);
  assert.ok(webhooksVersion > before.webhooksVersion);
  assert.deepEqual(draft, {
    id: draft.id,
    type: "session.released",
    sessionId: "S1",
    occurredAtMs: world.clock.now(),
    data: { kind: "object", json: '{"reason":"ended"}' },
    smsMessages: [],
    webhooks: [{ id: WEBHOOK_1, agentIds: null, ordered: true, held: false }],
  });
  assert.match(draft.id, /^evt_[0-9A-Z]{26}$/);
});

Deno.test("publishOwn() goes to all who want it, or to the one webhook alone whatever it wants", async () => {
  await using world = setUp();
  await world.put(webhookRecord(WEBHOOK_1, { eventTypes: ["sms.*"], agentIds: ["agent-9"] }));
  await world.put(webhookRecord(WEBHOOK_2));
  const ping = { type: "webhook.ping", sessionId: null, data: {} };
  const event = await world.publisher.publishOwn(ping, { onlyWebhook: WEBHOOK_1 });
  assert.deepEqual({ ...event, id: "" }, { id: "", accepted: true, sequence: null, deliveries: 1 });
  await world.publisher.publishOwn({ type: "webhook.disabled", sessionId: null, data: {} });
  assert.deepEqual(
    (await world.deliveries()).map(({ eventType, sinkId }) => [eventType, sinkId]),
    [["webhook.ping", WEBHOOK_1], ["webhook.disabled", WEBHOOK_2]],
  );
  assert.deepEqual(world.wakes, [1, 1]);
});

Deno.test("publishIdentified() publishes an id once, however often it is asked to", async () => {
  await using world = setUp();
  await world.put(webhookRecord(WEBHOOK_1, { eventTypes: ["sms.*"] }));
  const event = {
    id: "evt_01JD9P5Q6R7S8T9V0W1X2Y3Z4A",
    type: "sms.received",
    sessionId: SESSION_ID,
    occurredAtMs: 1_732_269_600_000,
    data: { text: "hello" },
  };
  const further = { ...event, id: "evt_01JD9P5Q6R7S8T9V0W1X2Y3Z4B", type: "customer.opted_out" };
  const first = await world.publisher.publishIdentified([event, further]);
  const again = await world.publisher.publishIdentified([event, further]);
  assert.deepEqual(first.map(({ id, sequence }) => [id, sequence]), [[event.id, 1], [
    further.id,
    2,
  ]]);
  assert.deepEqual(first.map(({ deliveries }) => deliveries), [1, 0]);
  assert.deepEqual(again, first);
  const { items } = await world.store.listEvents({ limit: 10 });
  assert.deepEqual(items.map(({ id, occurredAtMs }) => [id, occurredAtMs]), [
    [event.id, event.occurredAtMs],
    [further.id, event.occurredAtMs],
  ]);
});

Deno.test("publishIdentified() with a guard publishes only while it holds", async () => {
  await using world = setUp();
  const draft = (id: string, expected: string | null, text: string) => ({
    id: `evt_01JD9P5Q6R7S8T9V0W1X2Y3Z${id}`,
    type: "sms.delivered",
    sessionId: SESSION_ID,
    occurredAtMs: world.clock.now(),
    data: {},
    guard: { kind: "sms-status", key: "dlv_1", expected, text, untilMs: null } as const,
  });
  const accepted = async (...of: Parameters<typeof draft>) =>
    (await world.publisher.publishIdentified([draft(...of)])).map((event) => event.accepted);
  assert.deepEqual(await accepted("4A", null, "one"), [true]);
  assert.deepEqual(await accepted("4B", null, "two"), [false]);
  assert.deepEqual(await accepted("4C", "one", "three"), [true]);
});
