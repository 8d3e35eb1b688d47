import assert from "node:assert/strict";
import { SMS_SINK } from "../../../../services/store/port/deliveries.ts";
import type { TextOutcome } from "../../../../services/store/port/text_outcome.ts";
import type { EventDraft } from "../../../../services/store/port/events.ts";
import type { Store } from "../../../../services/store/port/store.ts";
import {
  accept,
  claimDeliveries,
  draft,
  messages,
  nothingClaimed,
  POLICY,
  publish,
  settle,
  T0,
  webhook,
} from "../../../support/drafts.ts";
import type { ContractTest } from "./contract.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** What the bridge to the customer's phone asks of a store beyond the outbox. */
export function smsContract(test: ContractTest): void {
  progressContract(test);
  resolutionContract(test);
  tokenContract(test);
  customerContract(test);
}

async function queueTexts(store: Store, indexes: readonly number[], sessionId = "S1") {
  await accept(store, sessionId, "a");
  await publish(store, [draft({
    sessionId,
    data: messages(indexes),
    smsMessages: indexes.map((index) => ({ index, sentAtMs: T0 })),
  })]);
}

async function take(store: Store, nowMs = T0) {
  const { deliveries: [delivery] } = await claimDeliveries(store, nowMs);
  assert(delivery);
  return delivery;
}

function progressContract(test: ContractTest): void {
  const note = (
    store: Store,
    { id, leaseToken }: { readonly id: string; readonly leaseToken: string },
    progressJson: string,
    nowMs = T0,
  ) => store.noteProgress({ deliveryId: id, leaseToken, progressJson, nowMs });

  test("noteProgress() comes back with every later claim, on every ladder", async (store) => {
    await queueTexts(store, [1]);
    const first = await take(store);
    assert.equal(first.progressJson, null);
    assert.equal(await note(store, first, '{"parts":1.0}'), true);
    assert.equal(await note(store, first, '{"parts":2.0}', T0 + 5), true);
    const kept = await store.readDelivery(first.id);
    assert.deepEqual([kept?.progressJson, kept?.delivery.updatedAtMs], ['{"parts":2.0}', T0 + 5]);
    await settle(store, first, { status: "retrying", atMs: T0 + 10 }, T0 + 6);
    const second = await take(store, T0 + 10);
    assert.deepEqual([second.attempt, second.progressJson], [2, '{"parts":2.0}']);
    await settle(store, second, { status: "dead" }, T0 + 11);
    assert.equal(await store.retryDelivery(second.id, T0 + 12), "due");
    const third = await take(store, T0 + 12);
    assert.deepEqual([third.attempt, third.progressJson], [1, '{"parts":2.0}']);
  });

  test("noteProgress() is refused once the lease has passed to somebody else, or is over", async (store) => {
    await queueTexts(store, [1]);
    const slow = await take(store);
    const taken = await take(store, T0 + 30_000);
    assert.deepEqual([taken.id, taken.interrupted], [slow.id, true]);
    assert.equal(await note(store, slow, '"slow"'), false);
    assert.equal(await note(store, taken, '"taken"'), true);
    await settle(store, taken, { status: "delivered" }, T0 + 30_001);
    assert.equal(await note(store, taken, '"late"'), false);
    assert.equal(await note(store, { ...taken, id: "dlv_none" }, "1"), false);
    assert.equal((await store.readDelivery(slow.id))?.progressJson, '"taken"');
  });

  test("what a status record says of a text is shown with its delivery, and lists it by that", async (store) => {
    await queueTexts(store, [1, 2]);
    const { items } = await store.listDeliveries({ limit: 9 });
    assert.deepEqual(items.map(({ outcome }) => outcome), [null, null]);
    const say = (at: number, outcome: TextOutcome, expected?: string) =>
      store.writeRecord({
        kind: "sms-status",
        key: items[at]?.id ?? "",
        near: "S1",
        text: `${at}`,
        ...(expected !== undefined && { expected }),
        untilMs: null,
        outcome,
        nowMs: T0,
      });
    const outcomes = async (status?: TextOutcome["kind"]) =>
      (await store.listDeliveries({ limit: 9, ...(status !== undefined && { status }) })).items
        .map(({ messageIndex, outcome }) => [messageIndex, outcome]);
    const failed: TextOutcome = { kind: "undelivered", errorCode: 30003 };
    await say(0, failed);
    await say(1, { kind: "undelivered" });
    assert.deepEqual(await outcomes(), [[1, failed], [2, { kind: "undelivered" }]]);
    await say(1, { kind: "delivered" });
    await say(0, { kind: "delivered" }, "not what it holds");
    assert.deepEqual(await outcomes(), [[1, failed], [2, { kind: "delivered" }]]);
    assert.deepEqual(await outcomes("undelivered"), [[1, failed]]);
    assert.deepEqual(await outcomes("delivered"), [[2, { kind: "delivered" }]]);
    assert.deepEqual((await store.readDelivery(items[0]?.id ?? ""))?.delivery.outcome, failed);
  });

  test("texts are listed by what became of them, and webhooks' deliveries by their status", async (store) => {
    await accept(store, "S1", "a");
    const indexes = [1, 2, 3, 4, 5];
    await publish(store, [
      draft({
        data: messages(indexes),
        webhooks: [webhook("wh_1")],
        smsMessages: indexes.map((index) => ({ index, sentAtMs: T0 })),
      }),
    ]);
    const ids = new Map<string, string>();
    const name = ({ sinkId, messageIndex }: { sinkId: string; messageIndex: number | null }) =>
      sinkId === SMS_SINK ? String(messageIndex) : "webhook";
    for (let more = true; more;) {
      const { deliveries } = await claimDeliveries(store, T0);
      for (const delivery of deliveries) {
        ids.set(name(delivery), delivery.id);
        const status = delivery.messageIndex === 5 ? "dead" : "delivered";
        await settle(store, delivery, { status }, T0);
      }
      more = deliveries.length > 0;
    }
    const outcomes = { 2: "sent", 3: "delivered", 4: "undelivered", 5: "sent" } as const;
    for (const [index, kind] of Object.entries(outcomes)) {
      const key = ids.get(index) ?? "";
      await store.writeRecord({
        ...{ kind: "sms-status", key, near: "S1", text: "x", untilMs: null, nowMs: T0 },
        outcome: { kind },
      });
    }
    const listed = async (status: "sent" | "delivered" | "undelivered", sinkId?: string) =>
      (await store.listDeliveries({ limit: 9, status, ...(sinkId !== undefined && { sinkId }) }))
        .items.map(name).toSorted();
    assert.deepEqual(await listed("sent"), ["1", "2"]);
    assert.deepEqual(await listed("delivered"), ["3", "webhook"]);
    assert.deepEqual(await listed("delivered", SMS_SINK), ["3"]);
    assert.deepEqual(await listed("delivered", "wh_1"), ["webhook"]);
    assert.deepEqual(await listed("undelivered"), ["4"]);
    assert.deepEqual(await listed("sent", "wh_1"), []);
    assert.deepEqual(await listed("undelivered", "wh_1"), []);

    const first = await store.listDeliveries({ limit: 1, status: "sent" });
    const cursor = first.nextCursor ?? "";
    const second = await store.listDeliveries({ limit: 1, status: "sent", cursor });
    assert.deepEqual([...first.items, ...second.items].map(name), ["1", "2"]);
    assert.equal(second.nextCursor, null);

    const later = T0 + POLICY.eventRetentionMs + 60_000;
    await claimDeliveries(store, later, { sweep: true });
    for (const status of ["sent", "delivered", "undelivered"] as const) {
      assert.deepEqual(await listed(status), []);
    }
  });

  test("an interrupted attempt's progress is there for the next", async (store) => {
    await queueTexts(store, [1]);
    await note(store, await take(store), '{"intent":true}');
    const next = await take(store, T0 + 30_000);
    assert.deepEqual([next.interrupted, next.progressJson], [true, '{"intent":true}']);
  });

  test("expungeSession() leaves the progress of deliveries", async (store) => {
    await queueTexts(store, [1]);
    const delivery = await take(store);
    await note(store, delivery, '{"sid":"SM1"}');
    await store.expungeSession("S1");
    assert.equal((await store.readDelivery(delivery.id))?.progressJson, '{"sid":"SM1"}');
  });

  test("a delivery nobody noted anything about has no progress", async (store) => {
    await publish(store, [draft({ webhooks: [webhook("wh_1")] })]);
    const delivery = await take(store);
    assert.equal(delivery.progressJson, null);
    assert.equal((await store.readDelivery(delivery.id))?.progressJson, null);
  });
}

function resolutionContract(test: ContractTest): void {
  const resolve = async (
    store: Store,
    deliveryId: string,
    to: "delivered" | "dead" | "due",
    own: EventDraft | null = null,
    nowMs = T0 + HOUR,
  ) => {
    const { version } = await store.listWebhooks();
    return await store.resolveDelivery({
      deliveryId,
      to,
      attemptJson: `{"resolved":"${to}"}`,
      draft: own,
      webhooksVersion: version,
      nowMs,
    });
  };

  /** Three texts of one lane; the first one's fate is unknown. */
  async function doubtful(store: Store): Promise<string> {
    await queueTexts(store, [1, 2, 3]);
    const delivery = await take(store);
    await store.noteProgress({
      deliveryId: delivery.id,
      leaseToken: delivery.leaseToken,
      progressJson: '["sent",null]',
      nowMs: T0,
    });
    await settle(store, delivery, { status: "unknown" }, T0);
    return delivery.id;
  }

  // Of a text that is known to have left nobody knows yet whether it arrived.
  for (const [to, listedAs] of [["delivered", "sent"], ["dead", "dead"]] as const) {
    test(`resolveDelivery() to ${to} is final and stands in the log`, async (store) => {
      const id = await doubtful(store);
      assert.deepEqual(await resolve(store, id, to), { outcome: "resolved", deliveries: 0 });
      const history = await store.readDelivery(id);
      assert.deepEqual(
        [history?.delivery.status, history?.delivery.updatedAtMs, history?.delivery.attempts],
        [to, T0 + HOUR, 1],
      );
      assert.equal(history?.delivery.nextAttemptAtMs, null);
      assert.deepEqual(history?.attemptsJson, ['{"class":"ok"}', `{"resolved":"${to}"}`]);
      const listed = async (status: typeof listedAs | "unknown") =>
        (await store.listDeliveries({ limit: 9, status })).items.map((delivery) => delivery.id);
      assert.deepEqual([await listed(listedAs), await listed("unknown")], [[id], []]);
      assert.deepEqual((await take(store, T0 + HOUR)).messageIndex, 2);
    });
  }

  test("resolveDelivery() to due sends it anew, at its place in its lane, with its progress", async (store) => {
    const id = await doubtful(store);
    const second = await take(store, T0 + HOUR);
    assert.equal(second.messageIndex, 2);
    assert.deepEqual(await resolve(store, id, "due"), { outcome: "resolved", deliveries: 0 });
    assert.deepEqual((await claimDeliveries(store, T0 + HOUR)).deliveries, []);
    await settle(store, second, { status: "retrying", atMs: T0 + HOUR }, T0 + HOUR);
    const again = await take(store, T0 + HOUR);
    assert.deepEqual(
      [again.id, again.attempt, again.interrupted, again.progressJson],
      [id, 1, false, '["sent",null]'],
    );
    await settle(store, again, { status: "delivered" }, T0 + HOUR);
    assert.deepEqual((await store.readDelivery(id))?.attemptsJson, [
      '{"class":"ok"}',
      '{"resolved":"due"}',
      '{"class":"ok"}',
    ]);
    assert.equal((await take(store, T0 + HOUR)).messageIndex, 2);
  });

  test("resolveDelivery() publishes its event in the same step", async (store) => {
    const id = await doubtful(store);
    const own = draft({ type: "sms.sent", webhooks: [webhook("wh_1"), webhook("wh_2")] });
    assert.deepEqual(await resolve(store, id, "delivered", own), {
      outcome: "resolved",
      deliveries: 2,
    });
    assert.equal((await store.readEvent(own.id))?.sequence, 3);
  });

  test("resolveDelivery() with an old list of webhooks does nothing", async (store) => {
    const id = await doubtful(store);
    const { version } = await store.listWebhooks();
    await store.putWebhook({ id: "wh_9", json: "{}" });
    const request = {
      deliveryId: id,
      to: "dead" as const,
      attemptJson: "{}",
      webhooksVersion: version,
      nowMs: T0,
    };
    assert.deepEqual(await store.resolveDelivery({ ...request, draft: draft() }), {
      outcome: "stale-webhooks",
    });
    const history = await store.readDelivery(id);
    assert.deepEqual([history?.delivery.status, history?.attemptsJson.length], ["unknown", 1]);
    // Without an event the list does not matter.
    assert.deepEqual(await store.resolveDelivery({ ...request, draft: null }), {
      outcome: "resolved",
      deliveries: 0,
    });
  });

  test("resolveDelivery() touches only deliveries that are unknown", async (store) => {
    const id = await doubtful(store);
    const flying = await take(store);
    const own = draft({ type: "sms.sent" });
    const refused = { outcome: "not-unknown" };
    assert.deepEqual(await resolve(store, flying.id, "dead", own), refused);
    await settle(store, flying, { status: "delivered" }, T0);
    assert.deepEqual(await resolve(store, flying.id, "due", own), refused);
    assert.equal((await store.readDelivery(flying.id))?.delivery.status, "delivered");
    await resolve(store, id, "dead");
    assert.deepEqual(await resolve(store, id, "delivered", own), refused);
    assert.equal((await store.readDelivery(id))?.attemptsJson.length, 2);
    assert.equal(await resolve(store, "dlv_none", "dead", own), null);
    assert.equal(await store.readEvent(own.id), null);
  });

  test("of two who resolve at once one does", async (store) => {
    const id = await doubtful(store);
    const outcomes = await Promise.all([
      resolve(store, id, "delivered"),
      resolve(store, id, "dead"),
    ]);
    assert.deepEqual(outcomes.map((result) => result?.outcome).sort(), ["not-unknown", "resolved"]);
  });
}

function tokenContract(test: ContractTest): void {
  const takeTokens = (store: Store, tokens: number, nowMs = T0, change: object = {}) =>
    store.takeTokens({ bucket: "+15550001", tokens, perSecond: 2, burst: 4, nowMs, ...change });

  test("takeTokens() takes while there are any, else tells how long to wait, and takes nothing", async (store) => {
    assert.equal(await takeTokens(store, 3), 0);
    assert.equal(await takeTokens(store, 1), 0);
    assert.equal(await takeTokens(store, 1), 500);
    assert.equal(await takeTokens(store, 1, T0 + 499), 1);
    assert.equal(await takeTokens(store, 1, T0 + 500), 0);
    assert.equal(await takeTokens(store, 1, T0 + 500, { bucket: "+15550002" }), 0);
  });

  test("a bucket that rested is full and not more", async (store) => {
    assert.equal(await takeTokens(store, 4), 0);
    assert.equal(await takeTokens(store, 4, T0 + DAY), 0);
    assert.equal(await takeTokens(store, 1, T0 + DAY), 500);
  });

  test("who wants many waits for one token like everybody, and the bucket owes the rest", async (store) => {
    assert.equal(await takeTokens(store, 3), 0);
    assert.equal(await takeTokens(store, 7), 0);
    // Six are owed: they must come in before the next.
    assert.equal(await takeTokens(store, 1), 3_500);
    assert.equal(await takeTokens(store, 1, T0 + 3_499), 1);
    assert.equal(await takeTokens(store, 1, T0 + 3_500), 0);
  });

  test("takeTokens() of many at once gives no token twice", async (store) => {
    const waits = await Promise.all(Array.from({ length: 20 }, () => takeTokens(store, 1)));
    assert.equal(waits.filter((wait) => wait === 0).length, 4);
  });

  test("a slow rate, fractions and a fast one come out in whole milliseconds", async (store) => {
    const slow = { bucket: "slow", perSecond: 0.1, burst: 1 };
    assert.equal(await takeTokens(store, 1, T0, slow), 0);
    assert.equal(await takeTokens(store, 1, T0, slow), 10_000);
    const third = { bucket: "third", perSecond: 3, burst: 1 };
    assert.equal(await takeTokens(store, 1, T0, third), 0);
    assert.equal(await takeTokens(store, 1, T0, third), 334);
    assert.equal(await takeTokens(store, 1, T0 + 334, third), 0);
    const fast = { bucket: "fast", perSecond: 10_000, burst: 1 };
    assert.equal(await takeTokens(store, 1, T0, fast), 0);
    assert.equal(await takeTokens(store, 1, T0, fast), 1);
  });

  test("a bucket named like a sink is not that sink's", async (store) => {
    assert.equal(await takeTokens(store, 4, T0, { bucket: "sms" }), 0);
    await queueTexts(store, [1]);
    const batch = await claimDeliveries(store, T0, {
      rates: { sms: { perSecond: 1, burst: 1 } },
    });
    assert.equal(batch.deliveries.length, 1);
  });
}

function customerContract(test: ContractTest): void {
  const CUSTOMER = "14155550199";
  const OURS = "15550002222";
  const find = (store: Store, nowMs = T0, customerDigits = CUSTOMER, senderDigits = OURS) =>
    store.findCustomerSession({
      customerDigits: [customerDigits],
      senderDigits: [senderDigits],
      nowMs,
    });
  const observe = (sessionId: string, phone: string, sender?: string) =>
    draft({ sessionId, observed: { phone, ...(sender === undefined ? {} : { sender }) } });
  const end = (sessionId: string, agentId = "a") => ({
    sessionId,
    agentId,
    nowMs: T0,
    effect: { kind: "end" as const },
  });

  test("findCustomerSession() goes by digits alone, of numbers told and numbers given", async (store) => {
    assert.equal(await find(store), null);
    await accept(store, "S1", "a");
    assert.equal(await find(store), null);
    await publish(store, [observe("S1", "+1 (415) 555-0199", "sms:+1 555 000 2222")]);
    assert.equal(await find(store), "S1");
    assert.equal(await find(store, T0, CUSTOMER, "15550003333"), null);
    assert.equal(await find(store, T0, "4155550199"), null);
    await store.setCustomer({
      sessionId: "S1",
      customer: { phone: "+44 7700 900123", sender: "+44 20 7946 0000" },
      nowMs: T0,
    });
    assert.equal(await find(store), null);
    assert.equal(await find(store, T0, "447700900123", "442079460000"), "S1");
    // What somebody gave is not replaced, so neither is the way to it.
    await publish(store, [observe("S1", CUSTOMER, OURS)]);
    assert.equal(await find(store), null);
    assert.equal(await find(store, T0, "447700900123", "442079460000"), "S1");
  });

  test("a session whose sender is not known matches any", async (store) => {
    await accept(store, "S1", "a");
    await publish(store, [observe("S1", CUSTOMER)]);
    assert.equal(await find(store), "S1");
    assert.equal(await find(store, T0, CUSTOMER, "15550003333"), "S1");
  });

  test("a session of that very sender goes before later ones whose sender is not known", async (store) => {
    await accept(store, "S1", "a", { nowMs: T0 });
    await accept(store, "S2", "a", { nowMs: T0 + 1 });
    await accept(store, "S3", "a", { nowMs: T0 + 2 });
    await publish(store, [
      observe("S1", CUSTOMER, OURS),
      observe("S2", CUSTOMER),
      observe("S3", CUSTOMER, "15550009999"),
    ], T0 + 2);
    assert.equal(await find(store, T0 + 2), "S1");
    assert.equal(await find(store, T0 + 2, CUSTOMER, "15550003333"), "S2");
    const { version } = await store.listWebhooks();
    await store.applyEffect(end("S1"), draft({ sessionId: "S1" }), version);
    assert.equal(await find(store, T0 + 2), "S2");
  });

  test("findCustomerSession() takes every writing of both numbers", async (store) => {
    await accept(store, "S1", "a");
    await publish(store, [observe("S1", "(415) 555-0199", "(555) 000-2222")]);
    const find = (customerDigits: string[], senderDigits: string[]) =>
      store.findCustomerSession({ customerDigits, senderDigits, nowMs: T0 });
    const national = CUSTOMER.slice(1);
    assert.equal(await find([CUSTOMER, national], [OURS, OURS.slice(1)]), "S1");
    assert.equal(await find([CUSTOMER, national], [OURS]), null);
    assert.equal(await find([CUSTOMER], [OURS, OURS.slice(1)]), null);
    assert.equal(await find([], [OURS.slice(1)]), null);
    assert.equal(await find([""], [OURS.slice(1)]), null);
  });

  test("a number told before the Accept leads to the session from the Accept on", async (store) => {
    await publish(store, [observe("S1", CUSTOMER)]);
    assert.equal(await find(store), null);
    await accept(store, "S1", "a");
    assert.equal(await find(store), "S1");
  });

  test("the session accepted last wins; when it ends the one before is back", async (store) => {
    const sessions = ["S3", "S1", "S2", "S4"];
    for (const [at, id] of sessions.entries()) {
      await accept(store, id, "a", { nowMs: T0 + at });
      await publish(store, [observe(id, CUSTOMER, id === "S4" ? "15550009999" : OURS)], T0 + 9);
    }
    const { version } = await store.listWebhooks();
    for (const expected of ["S2", "S1", "S3", null]) {
      assert.equal(await find(store, T0 + 9), expected);
      if (expected === null) break;
      await store.applyEffect(end(expected), draft({ sessionId: expected }), version);
    }
  });

  test("the way to a session lapses with its mapping and slides with it", async (store) => {
    await accept(store, "S1", "a");
    await publish(store, [observe("S1", CUSTOMER)]);
    assert.equal(await find(store, T0 + DAY - 1), "S1");
    assert.equal(await find(store, T0 + DAY), null);
    let nowMs = T0;
    for (let day = 0; day < 4; day++) {
      nowMs += DAY - 1;
      await store.readSession("S1", { nowMs, slide: "a" });
      await claimDeliveries(store, nowMs, { sweep: true });
      assert.equal(await find(store, nowMs), "S1");
    }
    nowMs += DAY;
    assert.deepEqual(await claimDeliveries(store, nowMs, { sweep: true }), nothingClaimed());
    assert.equal(await find(store, nowMs), null);
    await accept(store, "S1", "b", { nowMs });
    assert.equal(await find(store, nowMs), "S1");
  });

  test("an expunged session is not found any more; another of the same customer is", async (store) => {
    await accept(store, "S1", "a");
    await accept(store, "S2", "a", { nowMs: T0 + 1 });
    await publish(store, [observe("S1", CUSTOMER), observe("S2", CUSTOMER)], T0 + 1);
    assert.equal(await find(store, T0 + 1), "S2");
    await store.expungeSession("S2");
    assert.equal(await find(store, T0 + 1), "S1");
    await publish(store, [observe("S2", CUSTOMER)], T0 + 2);
    assert.equal(await find(store, T0 + 2), "S2");
  });

  test("a number without a digit leads nowhere", async (store) => {
    await accept(store, "S1", "a");
    await publish(store, [observe("S1", "anonymous")]);
    assert.equal(await find(store, T0, "", ""), null);
    await publish(store, [observe("S1", CUSTOMER)]);
    await publish(store, [observe("S1", "anonymous")]);
    assert.equal(await find(store), null);
  });
}
