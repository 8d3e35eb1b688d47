import assert from "node:assert/strict";
import {
  accept,
  claimDeliveries,
  draft,
  messages,
  nothingClaimed,
  publish,
  settle,
  settled,
  T0,
  webhook,
} from "../../../support/drafts.ts";
import type { ContractTest } from "./contract.ts";

const LEASE = 30_000;

/** Lanes, leases and what becomes of deliveries. */
export function deliveryContract(test: ContractTest): void {
  const toOne = { webhooks: [webhook("wh_1")] };

  test("nothing published, nothing due", async (store) => {
    assert.deepEqual(await claimDeliveries(store, T0), nothingClaimed());
  });

  test("a claimed delivery carries its event and a first attempt", async (store) => {
    const event = draft({ ...toOne, data: { kind: "object", json: '{"x":1}' } });
    await publish(store, [event]);
    const { deliveries, nextDueAtMs } = await claimDeliveries(store, T0);
    assert.notEqual(deliveries[0]?.leaseToken ?? "", "");
    assert.deepEqual(deliveries, [{
      id: deliveries[0]?.id,
      sinkId: "wh_1",
      leaseToken: deliveries[0]?.leaseToken,
      attempt: 1,
      interrupted: false,
      messageIndex: null,
      event: {
        id: event.id,
        type: event.type,
        sessionId: "S1",
        sequence: 1,
        agentId: null,
        occurredAtMs: T0,
        dataJson: '{"x":1}',
      },
      customer: null,
      progressJson: null,
    }]);
    assert.equal(nextDueAtMs, T0 + LEASE);
  });

  test("a delivery whose turn it was not waits without an attempt counted or logged", async (store) => {
    await publish(store, [draft(toOne), draft(toOne)]);
    const [first] = (await claimDeliveries(store, T0)).deliveries;
    assert(first);
    await settle(store, first, { status: "retrying", atMs: T0 + 10, counted: false }, T0);
    const kept = await store.readDelivery(first.id);
    assert.deepEqual(
      [kept?.delivery.status, kept?.delivery.attempts, kept?.attemptsJson],
      ["retrying", 0, []],
    );
    assert.deepEqual((await claimDeliveries(store, T0 + 9)).deliveries, []);
    const [again] = (await claimDeliveries(store, T0 + 10)).deliveries;
    assert.deepEqual([again?.id, again?.attempt, again?.interrupted], [first.id, 1, false]);
  });

  test("one delivery of a lane is in flight at a time, in the order of sequence", async (store) => {
    await publish(store, [draft(toOne), draft(toOne), draft(toOne)]);
    const seen: (number | null)[] = [];
    for (let now = T0; now < T0 + 3; now++) {
      const { deliveries } = await claimDeliveries(store, now);
      const [delivery] = deliveries;
      assert.equal(deliveries.length, 1);
      assert(delivery);
      assert.deepEqual((await claimDeliveries(store, now)).deliveries, []);
      seen.push(delivery.event.sequence);
      assert.equal(await settle(store, delivery, { status: "delivered" }, now), "settled");
    }
    assert.deepEqual(seen, [1, 2, 3]);
    assert.deepEqual(await claimDeliveries(store, T0 + 9), nothingClaimed());
  });

  test("a settlement tells when something is due next", async (store) => {
    await publish(store, [draft(toOne), draft(toOne)]);
    const [first] = (await claimDeliveries(store, T0)).deliveries;
    assert(first);
    const afterFirst = await settled(store, first, { status: "delivered" }, T0 + 1);
    assert(afterFirst.nextDueAtMs !== null && afterFirst.nextDueAtMs <= T0 + 1);

    const [second] = (await claimDeliveries(store, T0 + 2)).deliveries;
    assert(second);
    const later = { status: "retrying", atMs: T0 + 5_000 } as const;
    assert.equal((await settled(store, second, later, T0 + 3)).nextDueAtMs, T0 + 5_000);

    const [again] = (await claimDeliveries(store, T0 + 5_000)).deliveries;
    assert(again);
    const last = await settled(store, again, { status: "delivered" }, T0 + 5_001);
    assert.equal(last.nextDueAtMs, null);
  });

  test("a failing head holds back its own lane and no other", async (store) => {
    await publish(store, [
      draft(toOne),
      draft(toOne),
      draft({ ...toOne, sessionId: "S2" }),
      draft({ webhooks: [webhook("wh_2")] }),
    ]);
    const { deliveries } = await claimDeliveries(store, T0);
    assert.deepEqual(
      deliveries.map(({ sinkId, event }) => `${sinkId} ${event.sessionId} ${event.sequence}`)
        .sort(),
      ["wh_1 S1 1", "wh_1 S2 1", "wh_2 S1 3"],
    );
    for (const delivery of deliveries) {
      const failing = delivery.sinkId === "wh_1" && delivery.event.sessionId === "S1";
      const next = failing
        ? { status: "retrying", atMs: T0 + 5_000 } as const
        : { status: "delivered" } as const;
      await settle(store, delivery, next, T0);
    }
    assert.deepEqual(await claimDeliveries(store, T0 + 4_999), nothingClaimed(T0 + 5_000));
    const again = await claimDeliveries(store, T0 + 5_000);
    assert.deepEqual(
      again.deliveries.map(({ event, attempt, interrupted }) => [
        event.sequence,
        attempt,
        interrupted,
      ]),
      [[1, 2, false]],
    );
  });

  test("without ordering the deliveries of a session go out side by side", async (store) => {
    const webhooks = [webhook("wh_1", { ordered: false })];
    await publish(store, [draft({ webhooks }), draft({ webhooks }), draft({ webhooks })]);
    assert.equal((await claimDeliveries(store, T0)).deliveries.length, 3);
  });

  test("a lease that runs out gives the delivery back, and the late worker is fenced", async (store) => {
    await publish(store, [draft(toOne)]);
    const [slow] = (await claimDeliveries(store, T0)).deliveries;
    assert(slow);
    assert.deepEqual((await claimDeliveries(store, T0 + LEASE - 1)).deliveries, []);
    const [taken] = (await claimDeliveries(store, T0 + LEASE)).deliveries;
    assert(taken);
    assert.deepEqual([taken.id, taken.attempt, taken.interrupted], [slow.id, 2, true]);
    assert.equal(await settle(store, slow, { status: "dead" }, T0 + LEASE), "fenced");
    assert.equal(await settle(store, taken, { status: "delivered" }, T0 + LEASE), "settled");
    assert.equal(await settle(store, taken, { status: "dead" }, T0 + LEASE), "fenced");
    assert.equal((await store.readDelivery(slow.id))?.delivery.status, "delivered");
  });

  test("two workers claiming at once never get the same delivery", async (store) => {
    const drafts = Array.from({ length: 40 }, (_, n) => draft({ ...toOne, sessionId: `S${n}` }));
    await publish(store, drafts);
    const batches = await Promise.all(
      Array.from({ length: 4 }, () => claimDeliveries(store, T0, { limit: 8 })),
    );
    const claimed = batches.flatMap(({ deliveries }) => deliveries.map(({ id }) => id));
    assert.deepEqual([claimed.length, new Set(claimed).size], [32, 32]);
  });

  test("a claim keeps to the limit and to each sink's capacity, and serves sinks in turn", async (store) => {
    const busy = Array.from({ length: 20 }, (_, n) => draft({ ...toOne, sessionId: `S${n}` }));
    await publish(store, busy);
    await publish(store, [draft({ webhooks: [webhook("wh_2")] })]);
    await publish(store, [draft({ webhooks: [webhook("wh_3")] })]);
    const sinks = async (change: Record<string, unknown>) =>
      (await claimDeliveries(store, T0, change)).deliveries.map(({ sinkId }) => sinkId).sort();
    assert.deepEqual(await sinks({ limit: 4, capacity: { wh_3: 0 } }), [
      "wh_1",
      "wh_1",
      "wh_1",
      "wh_2",
    ]);
    assert.deepEqual(await sinks({ capacityPerSink: 5 }), [
      ...Array(5).fill("wh_1"),
      "wh_3",
    ]);
  });

  test("a sink without room does not count for the next due time", async (store) => {
    await publish(store, [draft(toOne), draft({ ...toOne, sessionId: "S2" })]);
    const batch = await claimDeliveries(store, T0, { capacity: { wh_1: 1 } });
    assert.deepEqual([batch.deliveries.length, batch.nextDueAtMs], [1, null]);
  });

  test("what a delivery went through can be read back", async (store) => {
    await publish(store, [draft(toOne)]);
    for (let attempt = 0; attempt < 33; attempt++) {
      const [delivery] = (await claimDeliveries(store, T0 + attempt)).deliveries;
      assert(delivery);
      const { version } = await store.listWebhooks();
      await store.settleDeliveries({
        settlements: [{
          deliveryId: delivery.id,
          leaseToken: delivery.leaseToken,
          nowMs: T0 + attempt,
          attemptJson: `{"n":${attempt}.0}`,
          next: { status: "retrying", atMs: T0 + attempt + 1 },
          health: null,
          drafts: [],
        }],
        webhooksVersion: version,
      });
    }
    const { items } = await store.listDeliveries({ limit: 9 });
    const history = await store.readDelivery(items[0]?.id ?? "");
    assert.equal(history?.attemptsJson.length, 30);
    assert.deepEqual([history?.attemptsJson[0], history?.attemptsJson[29]], [
      '{"n":3.0}',
      '{"n":32.0}',
    ]);
    assert.deepEqual(history?.delivery, {
      id: items[0]?.id,
      eventId: items[0]?.eventId,
      eventType: "session.status_changed",
      sinkId: "wh_1",
      sessionId: "S1",
      messageIndex: null,
      status: "retrying",
      attempts: 33,
      createdAtMs: T0,
      updatedAtMs: T0 + 32,
      nextAttemptAtMs: T0 + 33,
      outcome: null,
    });
    assert.equal(await store.readDelivery("dlv_none"), null);
  });

  test("a settlement publishes its own events in the same step", async (store) => {
    await publish(store, [draft(toOne)]);
    const [delivery] = (await claimDeliveries(store, T0)).deliveries;
    assert(delivery);
    const own = draft({ type: "sms.sent", webhooks: [webhook("wh_2")] });
    await settle(store, delivery, { status: "delivered" }, T0, [own]);
    assert.equal((await store.readEvent(own.id))?.sequence, 2);
    const { deliveries } = await claimDeliveries(store, T0);
    assert.deepEqual(deliveries.map(({ event }) => event.id), [own.id]);
  });

  test("a settlement with an old list of webhooks does nothing, a fenced one publishes nothing", async (store) => {
    await publish(store, [draft(toOne)]);
    const [delivery] = (await claimDeliveries(store, T0)).deliveries;
    assert(delivery);
    const { version } = await store.listWebhooks();
    await store.putWebhook({ id: "wh_9", json: "{}" });
    const settlement = {
      deliveryId: delivery.id,
      leaseToken: delivery.leaseToken,
      nowMs: T0,
      attemptJson: "{}",
      next: { status: "dead" as const },
      health: null,
      drafts: [draft({ type: "delivery.exhausted", sessionId: null })],
    };
    assert.deepEqual(
      await store.settleDeliveries({ settlements: [settlement], webhooksVersion: version }),
      { outcome: "stale-webhooks" },
    );
    assert.equal((await store.readDelivery(delivery.id))?.delivery.status, "delivering");
    await claimDeliveries(store, T0 + LEASE);
    const current = (await store.listWebhooks()).version;
    const fenced = await store.settleDeliveries({
      settlements: [settlement],
      webhooksVersion: current,
    });
    assert(fenced.outcome === "settled");
    assert.deepEqual([fenced.results, fenced.failing], [["fenced"], []]);
    assert.equal(fenced.nextDueAtMs, T0 + 2 * LEASE);
    assert.equal((await store.listEvents({ limit: 9 })).items.length, 1);
  });

  test("retryDelivery() makes a dead delivery due again, ahead of its lane", async (store) => {
    await publish(store, [draft(toOne), draft(toOne), draft(toOne)]);
    const [first] = (await claimDeliveries(store, T0)).deliveries;
    assert(first);
    assert.equal(await store.retryDelivery(first.id, T0), "in-flight");
    await settle(store, first, { status: "dead" }, T0);
    const [second] = (await claimDeliveries(store, T0)).deliveries;
    assert(second);
    assert.equal(await store.retryDelivery(first.id, T0), "due");
    assert.deepEqual((await claimDeliveries(store, T0)).deliveries, []);
    await settle(store, second, { status: "delivered" }, T0);
    const order: (number | null)[] = [];
    for (let turn = 0; turn < 2; turn++) {
      const [next] = (await claimDeliveries(store, T0)).deliveries;
      assert(next);
      order.push(next.event.sequence);
      await settle(store, next, { status: "delivered" }, T0);
    }
    assert.deepEqual(order, [1, 3]);
    assert.equal(await store.retryDelivery(first.id, T0 + 9), "due");
    const [again] = (await claimDeliveries(store, T0 + 9)).deliveries;
    assert.deepEqual([again?.id, again?.attempt, again?.interrupted], [first.id, 1, false]);
    assert.equal((await store.readDelivery(first.id))?.delivery.attempts, 3);
    assert.equal(await store.retryDelivery("dlv_none", T0), null);
  });

  test("retryDelivery() brings a waiting delivery forward", async (store) => {
    await publish(store, [draft(toOne)]);
    const [delivery] = (await claimDeliveries(store, T0)).deliveries;
    assert(delivery);
    await settle(store, delivery, { status: "retrying", atMs: T0 + 99_000 }, T0);
    assert.equal(await store.retryDelivery(delivery.id, T0 + 1), "due");
    assert.equal((await claimDeliveries(store, T0 + 1)).deliveries.length, 1);
  });

  test("a delivery brought back waits for the head of its lane, and for what is in flight", async (store) => {
    await publish(store, [draft(toOne), draft(toOne)]);
    const ids = (await store.listDeliveries({ limit: 9 })).items.map(({ id }) => id);
    const [first = "", second = ""] = ids;
    const take = async (nowMs: number) => {
      const [delivery] = (await claimDeliveries(store, nowMs)).deliveries;
      assert(delivery);
      return delivery;
    };
    await settle(store, await take(T0), { status: "dead" }, T0);
    const flying = await take(T0);
    assert.equal(flying.id, second);
    assert.equal(await store.retryDelivery(first, T0), "due");
    await settle(store, flying, { status: "retrying", atMs: T0 + 36_000_000 }, T0 + 1);
    // The one in flight was put off for hours; the head is not.
    const again = await take(T0 + 2);
    assert.equal(again.id, first);
    await settle(store, again, { status: "retrying", atMs: T0 + 60_000 }, T0 + 2);
    // Now the head is put off, and bringing the other forward does not cut its wait short.
    assert.equal(await store.retryDelivery(second, T0 + 3), "due");
    assert.deepEqual(await claimDeliveries(store, T0 + 4), nothingClaimed(T0 + 60_000));
  });

  test("a late settlement does not cut into the lease of the lane's next delivery", async (store) => {
    await publish(store, [draft(toOne), draft(toOne)]);
    const take = async (nowMs: number) => (await claimDeliveries(store, nowMs)).deliveries[0];
    const first = await take(T0);
    assert(first);
    await settle(store, first, { status: "dead" }, T0);
    const late = await take(T0);
    assert(late);
    await store.retryDelivery(first.id, T0);
    const current = await take(T0 + LEASE);
    assert.deepEqual([current?.id, current?.interrupted], [first.id, false]);
    assert.equal(await settle(store, late, { status: "delivered" }, T0 + LEASE + 1), "settled");
    assert.deepEqual(await claimDeliveries(store, T0 + LEASE + 2), nothingClaimed(T0 + 2 * LEASE));
  });

  for (const status of ["delivered", "unknown"] as const) {
    test(`a text that is ${status} is spent: nothing sends it again`, async (store) => {
      await accept(store, "S1", "a");
      await publish(store, [
        draft({ data: messages([1]), smsMessages: [{ index: 1, sentAtMs: T0 }] }),
      ]);
      const [delivery] = (await claimDeliveries(store, T0)).deliveries;
      assert(delivery);
      await settle(store, delivery, { status }, T0);
      assert.equal(await store.retryDelivery(delivery.id, T0), "spent");
      assert.equal((await store.readDelivery(delivery.id))?.delivery.status, status);
    });
  }

  test("an SMS carries the customer as known when it is claimed", async (store) => {
    await accept(store, "S1", "a");
    const sms = draft({
      data: messages([4]),
      smsMessages: [{ index: 4, sentAtMs: T0 }],
      observed: { phone: "16501111111", sender: "16502222222" },
    });
    await publish(store, [sms]);
    const [delivery] = (await claimDeliveries(store, T0)).deliveries;
    assert.deepEqual(
      [delivery?.sinkId, delivery?.messageIndex, delivery?.customer],
      ["sms", 4, { phone: "16501111111", sender: "16502222222" }],
    );
  });

  test("the SMS of one event leave in the order of its messages", async (store) => {
    await accept(store, "S1", "a");
    await publish(store, [draft({
      data: messages([9, 3, 4]),
      smsMessages: [9, 3, 4].map((index) => ({ index, sentAtMs: T0 })),
    })]);
    const order: (number | null)[] = [];
    for (let turn = 0; turn < 3; turn++) {
      const [delivery] = (await claimDeliveries(store, T0)).deliveries;
      assert(delivery);
      order.push(delivery.messageIndex);
      await settle(store, delivery, { status: "delivered" }, T0);
    }
    assert.deepEqual(order, [9, 3, 4]);
  });

  test("listDeliveries() filters by sink and status and pages by id", async (store) => {
    await publish(store, [
      draft({ webhooks: [webhook("wh_1"), webhook("wh_2")] }),
      draft({ webhooks: [webhook("wh_1")], sessionId: "S2" }),
    ]);
    const batch = await claimDeliveries(store, T0, { capacity: { wh_2: 0 }, limit: 1 });
    const [delivery] = batch.deliveries;
    assert(delivery);
    await settle(store, delivery, { status: "dead" }, T0);
    const count = async (filter: Record<string, string>) =>
      (await store.listDeliveries({ limit: 9, ...filter })).items.length;
    assert.equal(await count({}), 3);
    assert.equal(await count({ sinkId: "wh_1" }), 2);
    assert.equal(await count({ status: "dead" }), 1);
    assert.equal(await count({ status: "pending", sinkId: "wh_1" }), 1);
    assert.equal(await count({ status: "dead", sinkId: "wh_2" }), 0);
    const first = await store.listDeliveries({ limit: 2 });
    const rest = await store.listDeliveries({ limit: 2, cursor: first.nextCursor ?? "" });
    assert.deepEqual([first.items.length, rest.items.length, rest.nextCursor], [2, 1, null]);
    const listed = [...first.items, ...rest.items].map(({ id }) => id);
    assert.deepEqual(listed, listed.toSorted());
  });
}
