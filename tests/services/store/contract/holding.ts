import assert from "node:assert/strict";
import type { Store } from "../../../../services/store/port/store.ts";
import {
  accept,
  claimDeliveries,
  draft,
  messages,
  nothingClaimed,
  publish,
  settle,
  settleAs,
  T0,
  webhook,
} from "../../../support/drafts.ts";
import type { ContractTest } from "./contract.ts";

const MINUTE = 60_000;

/** Holding and bringing back, rates, health, and forgetting. */
export function holdingContract(test: ContractTest, shards: number): void {
  const toOne = { webhooks: [webhook("wh_1")] };
  const heldForOne = { webhooks: [webhook("wh_1", { held: true })] };
  const statuses = async (store: Store) =>
    (await store.listDeliveries({ limit: 50 })).items.map(({ status }) => status);
  const sequences = (batch: Awaited<ReturnType<typeof claimDeliveries>>) =>
    batch.deliveries.map(({ event }) => `${event.sessionId}#${event.sequence}`);
  const everything = { sinkId: "wh_1", fromMs: 0, untilMs: T0 + 10 * MINUTE };

  test("what is published for a disabled webhook is held and not due", async (store) => {
    const [event] = await publish(store, [draft(heldForOne)]);
    assert.equal(event?.deliveries, 1);
    assert.deepEqual(await statuses(store), ["held"]);
    assert.deepEqual(await claimDeliveries(store, T0), nothingClaimed());
  });

  test("holdDeliveries() holds what waits, step by step, and leaves what is in flight", async (store) => {
    await publish(store, [
      draft(toOne),
      draft(toOne),
      draft({ ...toOne, sessionId: "S2" }),
      draft({ ...toOne, sessionId: "S3" }),
      draft({ webhooks: [webhook("wh_2")], sessionId: "S4" }),
    ]);
    const batch = await claimDeliveries(store, T0, { limit: 1, capacity: { wh_2: 0 } });
    const [flying] = batch.deliveries;
    assert(flying);
    const hold = () => store.holdDeliveries({ sinkId: "wh_1", limit: 2, nowMs: T0 });
    assert.deepEqual([await hold(), await hold(), await hold()], [2, 1, 0]);
    assert.deepEqual(
      (await statuses(store)).toSorted(),
      ["delivering", "held", "held", "held", "pending"],
    );
    assert.deepEqual(sequences(await claimDeliveries(store, T0)), ["S4#1"]);
    assert.equal(await settle(store, flying, { status: "delivered" }, T0), "settled");
  });

  test("a delivery settled as held costs no attempt and parks its lane", async (store) => {
    await publish(store, [draft(toOne), draft(toOne)]);
    const [delivery] = (await claimDeliveries(store, T0)).deliveries;
    assert(delivery);
    await settle(store, delivery, { status: "held" }, T0);
    assert.deepEqual(await claimDeliveries(store, T0 + MINUTE), nothingClaimed());
    const history = await store.readDelivery(delivery.id);
    assert.deepEqual(
      [history?.delivery.status, history?.delivery.attempts, history?.attemptsJson],
      ["held", 0, []],
    );
  });

  test("requeueDeliveries() brings held ones back in order, step by step", async (store) => {
    await publish(store, [draft(heldForOne), draft(heldForOne)]);
    await publish(store, [draft({ ...heldForOne, sessionId: "S2" })]);
    const request = { ...everything, statuses: ["held" as const], limit: 2, nowMs: T0 };
    const first = await store.requeueDeliveries(request);
    assert.equal(first.requeued, 2);
    assert.notEqual(first.nextCursor, null);
    let cursor = first.nextCursor;
    let requeued = first.requeued;
    while (cursor !== null) {
      const step = await store.requeueDeliveries({ ...request, cursor });
      requeued += step.requeued;
      cursor = step.nextCursor;
    }
    assert.equal(requeued, 3);
    assert.deepEqual(new Set(await statuses(store)), new Set(["pending"]));
    const batch = await claimDeliveries(store, T0);
    assert.deepEqual(sequences(batch).toSorted(), ["S1#1", "S2#1"]);
    for (const delivery of batch.deliveries) {
      await settle(store, delivery, { status: "delivered" }, T0);
    }
    assert.deepEqual(sequences(await claimDeliveries(store, T0)), ["S1#2"]);
  });

  test("a held delivery goes out before what is published behind it", async (store) => {
    await publish(store, [draft(heldForOne)]);
    await publish(store, [draft(toOne)]);
    assert.deepEqual(sequences(await claimDeliveries(store, T0)), ["S1#1"]);
  });

  test("requeueDeliveries() and countDeliveries() keep to the statuses and the times", async (store) => {
    const at = (minutes: number) =>
      draft({ ...toOne, sessionId: `S${minutes}`, occurredAtMs: T0 + minutes * MINUTE });
    await publish(store, [at(0), at(1), at(2), at(3)], T0);
    for (const delivery of (await claimDeliveries(store, T0)).deliveries) {
      const dead = delivery.event.sessionId !== "S2";
      await settle(store, delivery, { status: dead ? "dead" : "delivered" }, T0);
    }
    const range = {
      sinkId: "wh_1",
      statuses: ["dead" as const, "held" as const],
      fromMs: T0 + MINUTE,
      untilMs: T0 + 3 * MINUTE,
    };
    assert.equal(await store.countDeliveries(range), 1);
    assert.equal(await store.countDeliveries({ ...range, fromMs: T0 }), 2);
    assert.equal(await store.countDeliveries({ ...range, sinkId: "wh_2" }), 0);
    let cursor: string | null = "";
    let requeued = 0;
    while (cursor !== null) {
      const step: { requeued: number; nextCursor: string | null } = await store.requeueDeliveries(
        { ...range, limit: 10, nowMs: T0, ...(cursor === "" ? {} : { cursor }) },
      );
      requeued += step.requeued;
      cursor = step.nextCursor;
    }
    assert.equal(requeued, 1);
    const batch = await claimDeliveries(store, T0);
    assert.deepEqual(sequences(batch), ["S1#1"]);
    assert.deepEqual(batch.deliveries.map(({ attempt }) => attempt), [1]);
  });

  test("a sink with a rate gives as many as its bucket holds and says when the next is there", async (store) => {
    // One session, so that all of them are in one shard, which has its part of the rate.
    const webhooks = [webhook("wh_1", { ordered: false })];
    await publish(store, Array.from({ length: 6 }, () => draft({ webhooks })));
    const rates = { wh_1: { perSecond: 2 * shards, burst: 3 * shards } };
    const first = await claimDeliveries(store, T0, { rates });
    assert.deepEqual([first.deliveries.length, first.nextDueAtMs], [3, T0 + 500]);
    const none = await claimDeliveries(store, T0 + 499, { rates });
    assert.deepEqual([none.deliveries.length, none.nextDueAtMs], [0, T0 + 500]);
    const second = await claimDeliveries(store, T0 + 1_000, { rates });
    assert.deepEqual([second.deliveries.length, second.nextDueAtMs], [2, T0 + 1_500]);
    const free = await claimDeliveries(store, T0 + 1_000);
    assert.equal(free.deliveries.length, 1);
  });

  test("the failures of a sink count up from its last success", async (store) => {
    await publish(store, [draft(toOne)]);
    const next = async (nowMs: number) => {
      const [delivery] = (await claimDeliveries(store, nowMs)).deliveries;
      assert(delivery);
      return delivery;
    };
    const failing = (failures: number, sinceMs: number) => [{ sinkId: "wh_1", failures, sinceMs }];
    assert.deepEqual(await settleAs(store, await next(T0), "failure", T0), failing(1, T0));
    assert.deepEqual(await settleAs(store, await next(T0 + 1), "failure", T0 + 1), failing(2, T0));
    assert.deepEqual(await settleAs(store, await next(T0 + 2), null, T0 + 2), []);
    assert.deepEqual(await settleAs(store, await next(T0 + 3), "success", T0 + 3), []);
    assert.deepEqual(
      await settleAs(store, await next(T0 + 4), "failure", T0 + 4),
      failing(1, T0 + 4),
    );
  });

  test("expungeSession() empties the session's events, answers and customer, and no other's", async (store) => {
    await accept(store, "S1", "a");
    const secret = (sessionId: string) =>
      draft({
        ...toOne,
        sessionId,
        data: { kind: "object", json: '{"text":"a secret"}' },
        observed: { phone: "15550001" },
        stateHash: "hash",
      });
    await publish(store, [secret("S1"), secret("S2"), draft({ ...toOne, data: messages([1]) })]);
    const batch = await claimDeliveries(store, T0);
    const { version } = await store.listWebhooks();
    await store.settleDeliveries({
      settlements: batch.deliveries.map(({ id, leaseToken }) => ({
        deliveryId: id,
        leaseToken,
        nowMs: T0,
        attemptJson: '{"class":"http-error","responseExcerpt":"a secret"}',
        next: { status: "dead" },
        health: null,
        drafts: [],
      })),
      webhooksVersion: version,
    });
    assert.equal(await store.expungeSession("S1"), 3);
    assert.equal(await store.expungeSession("none"), 0);
    const { items } = await store.listEvents({ limit: 9 });
    assert.deepEqual(
      items.map(({ sessionId, dataJson }) => `${sessionId} ${dataJson}`).toSorted(),
      [
        'S1 {"expunged":true}',
        'S1 {"expunged":true}',
        'S1 {"expunged":true}',
        'S2 {"text":"a secret"}',
      ],
    );
    assert.equal((await store.readSession("S1", { nowMs: T0, slide: false }))?.customer, null);
    for (const { id, event } of batch.deliveries) {
      const attempts = (await store.readDelivery(id))?.attemptsJson.map((json) => JSON.parse(json));
      const kept = event.sessionId === "S1" ? {} : { responseExcerpt: "a secret" };
      assert.deepEqual(attempts, [{ class: "http-error", ...kept }]);
    }
    // What was queued goes out still, emptied, so that no consumer sees a gap.
    const [queued] = (await claimDeliveries(store, T0)).deliveries;
    assert.deepEqual([queued?.event.sequence, queued?.event.dataJson], [3, '{"expunged":true}']);
  });

  test("an answer that comes in after the expunging leaves no trace", async (store) => {
    await publish(store, [draft(toOne)]);
    const [delivery] = (await claimDeliveries(store, T0)).deliveries;
    assert(delivery);
    await store.expungeSession("S1");
    const { version } = await store.listWebhooks();
    await store.settleDeliveries({
      settlements: [{
        deliveryId: delivery.id,
        leaseToken: delivery.leaseToken,
        nowMs: T0,
        attemptJson: '{"class":"ok","responseExcerpt":"a secret"}',
        next: { status: "delivered" },
        health: null,
        drafts: [],
      }],
      webhooksVersion: version,
    });
    const attempts = (await store.readDelivery(delivery.id))?.attemptsJson;
    assert.deepEqual(attempts?.map((json) => JSON.parse(json)), [{ class: "ok" }]);
  });
}
