import assert from "node:assert/strict";
import { statusChange } from "./notifications.ts";
import { assertProblem } from "./problem.ts";
import { it, type Sentence } from "./sentence.ts";
import { readCreatedWebhook, readDeliveries, readDelivery } from "./shapes.ts";
import { assertInOrder, assertSigned, told } from "./webhook_assertions.ts";
import { isSignedWith } from "./webhook_consumer.ts";
import type { World } from "./world.ts";

/** How events reach those who registered for them. */
export const WEBHOOK_STORY: readonly Sentence[] = [
  it("a secret is shown once, and never again", async (world) => {
    const { id, secret } = await world.consumer({ description: "shown once" });
    for (const path of [`/v1/webhooks/${id}`, "/v1/webhooks?limit=100"]) {
      const answer = await world.admin.get(path);
      assert.equal(answer.status, 200);
      assert.ok(answer.text.includes(id));
      assert.ok(!answer.text.includes(secret) && !answer.text.includes("whsec_"));
    }
    const changed = await world.admin.send(`/v1/webhooks/${id}`, {
      method: "PATCH",
      json: { description: "changed" },
    });
    assert.equal(changed.status, 200);
    assert.ok(!changed.text.includes("whsec_"));
  }),

  it("a delivery that meets a 500 is repeated with the same id and body, and the next one waits for it", async (world) => {
    const session = world.freshSession();
    const consumer = await world.consumer();
    const answers = [500, 302, 200];
    consumer.answer(() => new Response(null, { status: answers.shift() ?? 200 }));
    await world.notify(["Invited", "Chatting"].map((state) => statusChange(session, state)));
    await consumer.received(session, "session.status_changed", 2);

    const attempts = consumer.about(session);
    assert.deepEqual(attempts.map(({ event }) => event.data.sequence), [1, 1, 1, 2]);
    assert.equal(new Set(attempts.slice(0, 3).map(({ webhookId }) => webhookId)).size, 1);
    assert.equal(new Set(attempts.slice(0, 3).map(({ text }) => text)).size, 1);
    await assertSigned(consumer);

    const deliveries = await deliveriesOf(world, consumer.id);
    const repeated = deliveries.find(({ status, attempts }) =>
      status === "delivered" && attempts.length === 3
    );
    assert.ok(repeated, `no delivery with three attempts in ${JSON.stringify(deliveries)}`);
  }),

  it("a webhook that hangs or fails holds nobody else back", async (world) => {
    const session = world.freshSession();
    const [hanging, failing, well] = await Promise.all([
      world.consumer(),
      world.consumer(),
      world.consumer(),
    ]);
    hanging.answer(() => ({ kind: "hang" }));
    // It asks for a minute, so that its ladder does not end while a slow machine is still at work.
    const refusal = { status: 503, headers: { "retry-after": "60" } };
    failing.answer(() => new Response(null, refusal));
    const states = Array.from({ length: 10 }, (_, index) => `State${index}`);
    await world.notify(states.map((state) => statusChange(session, state)));
    await well.received(session, "session.status_changed", 10);
    assertInOrder(well, session, 10);
    await hanging.received(session, "session.status_changed", 1);
    assert.equal(told(hanging, session).length, 1);
    assert.equal(told(failing, session).length, 1);
  }),

  it("a session whose delivery fails does not hold other sessions back", async (world) => {
    const [stuck, free] = [world.freshSession(), world.freshSession()];
    const consumer = await world.consumer();
    consumer.answer(({ event }) =>
      new Response(null, { status: event.data.sessionId === stuck ? 500 : 200 })
    );
    await world.notify([statusChange(stuck, "Invited"), statusChange(stuck, "Chatting")]);
    await world.notify(["A", "B", "C"].map((state) => statusChange(free, state)));
    await consumer.received(free, "session.status_changed", 3);
    assertInOrder(consumer, free, 3);
    assert.equal(told(consumer, stuck).length, 1);
  }),

  it("what is not taken in any attempt is dead, and can be retried by hand", async (world) => {
    const session = world.freshSession();
    const consumer = await world.consumer({ eventTypes: ["session.status_changed"] });
    const watcher = await world.consumer({ eventTypes: ["delivery.exhausted"] });
    let status = 500;
    consumer.answer(() => new Response(null, { status }));
    await world.notify(statusChange(session, "Chatting"));
    await watcher.attempts.until(
      "delivery.exhausted of this webhook",
      (items) => items.find(({ text }) => text.includes(consumer.id)),
    );
    assert.equal(consumer.about(session).length, 5, "four waits make five attempts");

    const path = `/v1/deliveries?webhook=${consumer.id}&status=dead`;
    const [dead, ...others] = readDeliveries((await world.admin.get(path)).json()).data;
    assert.equal(others.length, 0);
    assert.ok(dead);
    status = 200;
    const answer = await world.admin.post(`/v1/deliveries/${dead.id}/retry`);
    assert.ok(answer.status >= 200 && answer.status < 300, answer.text);
    await consumer.attempts.until("a sixth attempt", (items) => items[5]);
    await assertSigned(consumer);
  }),

  it("a 429 or 503 is tried again when its Retry-After says, not before", async (world) => {
    const sessions = [world.freshSession(), world.freshSession()];
    const consumer = await world.consumer({ eventTypes: ["session.status_changed"] });
    const refusals = [429, 503];
    const timesMs = new Map<string | null, number[]>();
    consumer.answer(({ event }) => {
      const times = timesMs.get(event.data.sessionId) ?? [];
      timesMs.set(event.data.sessionId, [...times, performance.now()]);
      return times.length > 0 ? new Response() : new Response(null, {
        status: refusals.pop() ?? 500,
        headers: { "retry-after": "1" },
      });
    });
    for (const session of sessions) {
      await world.notify(["A", "B"].map((state) => statusChange(session, state)));
    }
    for (const session of sessions) {
      await consumer.received(session, "session.status_changed", 2);
      const [first = 0, second = 0] = timesMs.get(session) ?? [];
      assert.ok(second - first >= 950, `tried again after ${second - first} ms`);
    }
  }),

  it("a 410 disables the webhook; what already waited for it is held until it is enabled", async (world) => {
    const session = world.freshSession();
    const consumer = await world.consumer({ eventTypes: ["session.*"] });
    const watcher = await world.consumer({ eventTypes: ["webhook.disabled"] });
    consumer.answer(() => new Response(null, { status: 410 }));
    await world.notify(["A", "B"].map((state) => statusChange(session, state)));
    await watcher.attempts.until(
      "webhook.disabled",
      (items) => items.find(({ event }) => event.type === "webhook.disabled"),
    );
    assert.equal(consumer.about(session).length, 1);
    const held = await world.admin.get(`/v1/deliveries?webhook=${consumer.id}&status=held`);
    assert.equal(readDeliveries(held.json()).data.length, 1);

    consumer.answer(() => new Response());
    const answer = await world.admin.post(`/v1/webhooks/${consumer.id}/enable`);
    assert.ok(answer.status >= 200 && answer.status < 300, answer.text);
    await consumer.received(session, "session.status_changed", 2);
    await world.notify(statusChange(session, "C"));
    await consumer.received(session, "session.status_changed", 3);
  }),

  it("a webhook registered at one instance hears what another one is told", async (world) => {
    await using second = await world.anotherPatchbay();
    const earlier = await world.consumer();
    const before = world.freshSession();
    await second.notify(statusChange(before, "Chatting"));
    await earlier.received(before, "session.status_changed");

    const session = world.freshSession();
    const consumer = await world.consumer();
    await second.notify(statusChange(session, "Chatting"));
    await consumer.received(session, "session.status_changed", undefined, 3_000);
  }),

  it("a consumer hears of the event types and agents it asked for", async (world) => {
    const [one, two] = [world.freshSession(), world.freshSession()];
    const all = await world.consumer();
    const accepted = await world.consumer({ eventTypes: ["session.accepted"] });
    const ofTwo = await world.consumer({ agentIds: ["wanted-2"] });
    await (await world.agent("wanted-1")).accept(one);
    await (await world.agent("wanted-2")).accept(two);
    await world.notify([statusChange(one, "Chatting"), statusChange(two, "Chatting")]);
    await all.received(one, "session.status_changed");
    await ofTwo.received(two, "session.status_changed");
    await accepted.received(two, "session.accepted");
    const heard = ({ attempts }: typeof all) =>
      attempts.items.map(({ event }) => event.type).toSorted();
    assert.deepEqual(heard(accepted), ["session.accepted", "session.accepted"]);
    assert.deepEqual(heard(ofTwo), ["session.accepted", "session.status_changed"]);
  }),

  it("after a rotation both secrets sign; a ping comes when asked for, about no session", async (world) => {
    // Of what other stories leave behind it hears nothing.
    const consumer = await world.consumer({ eventTypes: ["webhook.ping"] });
    const answer = await world.admin.post(`/v1/webhooks/${consumer.id}/rotate-secret`);
    assert.ok(answer.status >= 200 && answer.status < 300, answer.text);
    const { secret } = readCreatedWebhook({ id: consumer.id, ...Object(answer.json()) });
    assert.notEqual(secret, consumer.secret);
    assert.equal(consumer.attempts.items.length, 0);

    const pinged = await world.admin.post(`/v1/webhooks/${consumer.id}/ping`);
    assert.ok(pinged.status >= 200 && pinged.status < 300, pinged.text);
    const ping = await consumer.attempts.until(
      "a ping",
      (items) => items.find(({ event }) => event.type === "webhook.ping"),
    );
    assert.equal(ping.event.data.sessionId, null);
    assert.equal(ping.event.data.sequence, null);
    assert.ok(await isSignedWith(consumer.secret, ping));
    assert.ok(await isSignedWith(secret, ping));
  }),

  it("a deleted webhook hears nothing any more", async (world) => {
    const session = world.freshSession();
    const eventTypes = ["session.status_changed"];
    const [deleted, other] = [
      await world.consumer({ eventTypes }),
      await world.consumer({ eventTypes }),
    ];
    const answer = await world.admin.send(`/v1/webhooks/${deleted.id}`, { method: "DELETE" });
    assert.equal(answer.status, 204, answer.text);
    assertProblem(await world.admin.get(`/v1/webhooks/${deleted.id}`), "not-found");
    await world.notify(statusChange(session, "Chatting"));
    await other.received(session, "session.status_changed");
    assert.equal(deleted.attempts.items.length, 0);
  }),
];

/** The webhook's deliveries, each with its attempts. */
async function deliveriesOf(world: World, webhookId: string) {
  const list = await world.admin.get(`/v1/deliveries?webhook=${webhookId}`);
  return await Promise.all(
    readDeliveries(list.json()).data.map(async ({ id }) =>
      readDelivery((await world.admin.get(`/v1/deliveries/${id}`)).json())
    ),
  );
}
