import assert from "node:assert/strict";
import {
  accept,
  claimDeliveries,
  draft,
  messages,
  POLICY,
  publish,
  settle,
  T0,
  webhook,
} from "../../../support/drafts.ts";
import { TOO_OLD_PROGRESS } from "../../../../services/store/rules.ts";
import { type Telling, TEXT_AGES } from "../text_ages.ts";
import type { ContractTest } from "./contract.ts";

/** Publishing: duplicates, numbering, who gets what, and reading it back. */
export function eventContract(test: ContractTest): void {
  test("publish() numbers the events of each session 1, 2, 3 …", async (store) => {
    const first = await publish(store, [draft(), draft({ sessionId: "S2" }), draft()]);
    const second = await publish(store, [draft()]);
    assert.deepEqual([...first, ...second].map(({ sequence }) => sequence), [1, 1, 2, 3]);
  });

  test("publish() called 50 times at once leaves no gap and no double", async (store) => {
    const results = await Promise.all(
      Array.from({ length: 50 }, () => publish(store, [draft()])),
    );
    const sequences = results.flat().map(({ sequence }) => sequence ?? 0).sort((a, b) => a - b);
    assert.deepEqual(sequences, Array.from({ length: 50 }, (_, index) => index + 1));
  });

  test("publish() of an event that is there answers as before and stores nothing again", async (store) => {
    await accept(store, "S1", "a");
    const state = draft({ stateHash: "A", webhooks: [webhook("wh_1"), webhook("wh_2")] });
    const text = draft({
      data: messages([1]),
      webhooks: [webhook("wh_1")],
      smsMessages: [{ index: 1, sentAtMs: T0 }],
    });
    const free = draft({ sessionId: null, webhooks: [webhook("wh_1", { ordered: false })] });
    const first = await publish(store, [state, text, free]);
    assert.deepEqual(
      first.map(({ accepted, sequence, deliveries }) => [accepted, sequence, deliveries]),
      [[true, 2, 2], [true, 3, 2], [true, null, 1]],
    );
    assert.deepEqual(await publish(store, [free, text, state], T0 + 1), first.toReversed());
    assert.deepEqual(await publish(store, [state, state]), [first[0], first[0]]);
    assert.equal((await store.listEvents({ limit: 9 })).items.length, 4);
    assert.equal((await store.listDeliveries({ limit: 9 })).items.length, 5);
    const [next] = await publish(store, [draft()]);
    assert.equal(next?.sequence, 4);
  });

  test("an event without a session has neither sequence nor agent", async (store) => {
    const [published] = await publish(store, [draft({ sessionId: null, type: "webhook.ping" })]);
    assert.equal(published?.sequence, null);
    const event = await store.readEvent(published?.id ?? "");
    assert.deepEqual([event?.sessionId, event?.sequence, event?.agentId], [null, null, null]);
  });

  test("the agent of an event is the holder at that moment, or null", async (store) => {
    const [before] = await publish(store, [draft()]);
    await accept(store, "S1", "a");
    const [after] = await publish(store, [draft()]);
    assert.equal((await store.readEvent(before?.id ?? ""))?.agentId, null);
    assert.equal((await store.readEvent(after?.id ?? ""))?.agentId, "a");
  });

  test("a state equal to the last within 60 s is a duplicate; A, B, A is a change", async (store) => {
    const at = (stateHash: string, nowMs: number) =>
      publish(store, [draft({ stateHash })], nowMs).then(([event]) => event?.accepted);
    assert.equal(await at("A", T0), true);
    assert.equal(await at("A", T0 + 59_999), false);
    assert.equal(await at("A", T0 + 60_000), true);
    assert.equal(await at("B", T0 + 60_001), true);
    assert.equal(await at("A", T0 + 60_002), true);
    assert.equal((await store.listEvents({ limit: 9, sessionId: "S1" })).items.length, 4);
  });

  test("duplicates inside one batch count as well", async (store) => {
    const events = await publish(store, [
      draft({ stateHash: "A" }),
      draft({ stateHash: "A" }),
      draft({ data: messages([1, 1]) }),
      draft({ data: messages([1]) }),
    ]);
    assert.deepEqual(events.map(({ accepted }) => accepted), [true, false, true, false]);
    const { items } = await store.listEvents({ limit: 9 });
    assert.equal(items[1]?.dataJson, '{"notification":{"messages":[{"index":1}]}}');
  });

  test("messages seen before are left out, and a draft with none left is a duplicate", async (store) => {
    await publish(store, [draft({ data: messages([1, 2]) })]);
    const [narrowed] = await publish(store, [draft({ data: messages([2, 7, 3]) })]);
    const [nothing] = await publish(store, [draft({ data: messages([7, 1]) })]);
    assert.deepEqual([narrowed?.accepted, nothing?.accepted], [true, false]);
    assert.equal(
      (await store.readEvent(narrowed?.id ?? ""))?.dataJson,
      '{"notification":{"messages":[{"index":7},{"index":3}]}}',
    );
    const [other] = await publish(store, [draft({ sessionId: "S2", data: messages([1]) })]);
    assert.equal(other?.accepted, true);
  });

  test("texts come back to the letter", async (store) => {
    const json =
      '{"n":1.0,"big":12345678901234567890,"e":"\\u0000\\ud83d","z":"Zoë 🛎️ \\/ / </x>"}';
    const [event] = await publish(store, [draft({ data: { kind: "object", json } })]);
    assert.equal((await store.readEvent(event?.id ?? ""))?.dataJson, json);
    const text = `{"index":5,"text":"\\"Zoë 🛎️\\" \\ud83d","x":1e400,"y":[]}`;
    const [split] = await publish(store, [draft({
      data: { kind: "messages", before: "{", messages: [{ index: 5, json: text }], after: "}" },
    })]);
    assert.equal((await store.readEvent(split?.id ?? ""))?.dataJson, `{[${text}]}`);
  });

  test("publish() with an old list of webhooks stores nothing", async (store) => {
    const { version } = await store.listWebhooks();
    await store.putWebhook({ id: "wh_1", json: "{}" });
    const result = await store.publish({ drafts: [draft()], nowMs: T0, webhooksVersion: version });
    assert.deepEqual(result, { outcome: "stale-webhooks" });
    assert.deepEqual((await store.listEvents({ limit: 9 })).items, []);
  });

  test("a webhook with agents gets the events of those who hold the session", async (store) => {
    await accept(store, "S1", "a");
    const webhooks = [
      webhook("wh_all"),
      webhook("wh_a", { agentIds: ["x", "a"] }),
      webhook("wh_b", { agentIds: ["b"] }),
    ];
    const [mapped] = await publish(store, [draft({ webhooks })]);
    const [unmapped] = await publish(store, [draft({ webhooks, sessionId: "S9" })]);
    assert.deepEqual([mapped?.deliveries, unmapped?.deliveries], [2, 1]);
    const { items } = await store.listDeliveries({ limit: 9 });
    assert.deepEqual(items.map(({ sinkId }) => sinkId).sort(), ["wh_a", "wh_all", "wh_all"]);
  });

  test("a message leaves as SMS only if new, mapped, and not older than the mapping", async (store) => {
    const sms = (indexes: number[], sentAtMs: number, sessionId = "S1") =>
      draft({
        sessionId,
        data: messages(indexes),
        smsMessages: indexes.map((index) => ({ index, sentAtMs })),
      });
    await accept(store, "S1", "a", { acceptedUpstreamMs: T0 });
    const history = { ...sms([1, 2], T0 - 1), joined: [{ index: 1 }] };
    const [old] = await publish(store, [history]);
    const [fresh] = await publish(store, [sms([2, 3, 4], T0)]);
    const [again] = await publish(store, [sms([3, 4], T0 + 5)]);
    const [unmapped] = await publish(store, [sms([1], T0, "S9")]);
    assert.deepEqual(
      [old, fresh, again, unmapped].map((event) => event?.deliveries),
      [0, 2, 0, 0],
    );
    const { items } = await store.listDeliveries({ limit: 9, sinkId: "sms" });
    assert.deepEqual(items.map(({ messageIndex }) => messageIndex), [3, 4]);
  });

  for (const [name, { toldBefore, earlier, ...last }, fates] of TEXT_AGES) {
    test(`of texts ${name} these leave, stay or are too old: ${fates.join()}`, async (store) => {
      const tell = ({ joined = [], texts = [] }: Omit<Telling, "toldBefore" | "earlier">) =>
        publish(store, [draft({
          data: messages([...joined, ...texts].map(({ index }) => index)),
          ...(joined.length > 0 && { joined }),
          smsMessages: texts,
        })]);
      if (toldBefore !== undefined) await publish(store, [draft({ data: messages([toldBefore]) })]);
      await accept(store, "S1", "a", { acceptedUpstreamMs: T0 });
      if (earlier !== undefined) await tell({ texts: [], ...earlier });
      await tell(last);
      const { texts } = last;
      const { items } = await store.listDeliveries({ limit: 99, sinkId: "sms" });
      const made = await Promise.all(items.map(async ({ id, messageIndex }) => {
        const tooOld = (await store.readDelivery(id))?.progressJson === TOO_OLD_PROGRESS;
        return [messageIndex, tooOld ? "too-old" : "leaves"] as const;
      }));
      const fateOf = new Map(made);
      assert.deepEqual(texts.map(({ index }) => fateOf.get(index) ?? "stays"), fates);
    });
  }

  test("listEvents() pages by id and filters by session and type", async (store) => {
    await publish(store, [
      draft({ type: "t.one" }),
      draft({ type: "t.two" }),
      draft({ type: "t.one", sessionId: "S2" }),
      draft({ type: "t.one" }),
    ]);
    const types = async (filter: { sessionId?: string; type?: string }) =>
      (await store.listEvents({ limit: 9, ...filter })).items.map(({ type, sessionId }) =>
        `${sessionId} ${type}`
      );
    assert.deepEqual(await types({ sessionId: "S1" }), ["S1 t.one", "S1 t.two", "S1 t.one"]);
    assert.deepEqual(await types({ type: "t.one" }), ["S1 t.one", "S2 t.one", "S1 t.one"]);
    assert.deepEqual(await types({ type: "t.one", sessionId: "S2" }), ["S2 t.one"]);
    const first = await store.listEvents({ limit: 3 });
    assert.equal(first.nextCursor, first.items[2]?.id);
    const rest = await store.listEvents({ limit: 3, cursor: first.nextCursor ?? "" });
    assert.deepEqual([rest.items.length, rest.nextCursor], [1, null]);
  });

  test("past the retention what is open expires, what is over goes, and younger things stay", async (store) => {
    const webhooks = [webhook("wh_1")];
    await publish(store, [draft({ webhooks }), draft({ webhooks })], T0);
    const [over] = (await claimDeliveries(store, T0)).deliveries;
    assert(over);
    await settle(store, over, { status: "delivered" }, T0);
    const later = T0 + POLICY.eventRetentionMs + 1_000;
    const young = draft({ webhooks, sessionId: "S2", occurredAtMs: later });
    await publish(store, [young], later);

    const swept = await claimDeliveries(store, later, { sweep: true, capacityPerSink: 0 });
    assert.deepEqual([swept.expired, swept.sweptAll], [1, true]);
    assert.deepEqual((await store.listEvents({ limit: 9 })).items.map(({ id }) => id), [young.id]);
    const { items } = await store.listDeliveries({ limit: 9 });
    assert.deepEqual(items.map(({ status }) => status), ["expired", "pending"]);
    const batch = await claimDeliveries(store, later);
    assert.deepEqual(batch.deliveries.map(({ event }) => event.id), [young.id]);

    const muchLater = later + 2 * 60 * 60_000;
    await claimDeliveries(store, muchLater, { sweep: true, capacityPerSink: 0 });
    assert.equal((await store.listDeliveries({ limit: 9, status: "expired" })).items.length, 0);
  });

  test("a sweep is bounded, says when there is more, and comes to an end", async (store) => {
    const many = Array.from({ length: 1_200 }, () => draft({ webhooks: [webhook("wh_1")] }));
    await publish(store, many, T0);
    const later = T0 + POLICY.eventRetentionMs + 1_000;
    let expired = 0;
    let sweeps = 0;
    let sweptAll = false;
    while (!sweptAll && sweeps < 50) {
      const batch = await claimDeliveries(store, later, { sweep: true, capacityPerSink: 0 });
      assert(batch.expired <= 1_000);
      expired += batch.expired;
      sweptAll = batch.sweptAll;
      sweeps++;
    }
    assert.equal(expired, 1_200);
    assert(sweeps > 2);
    assert.deepEqual((await store.listEvents({ limit: 9 })).items, []);
    assert.deepEqual(await claimDeliveries(store, later, { sweep: true }), {
      deliveries: [],
      nextDueAtMs: null,
      sweptAll: true,
      expired: 0,
    });
  });

  test("putWebhook() for a version changes nothing once the list has another", async (store) => {
    const { version } = await store.listWebhooks();
    assert.equal(await store.putWebhook({ id: "wh_1", json: "1" }, version), true);
    assert.equal(await store.putWebhook({ id: "wh_1", json: "2" }, version), false);
    const after = await store.listWebhooks();
    assert.deepEqual(after.webhooks, [{ id: "wh_1", json: "1" }]);
    assert.equal(await store.putWebhook({ id: "wh_1", json: "3" }, after.version), true);
  });

  test("the list of webhooks changes its version with every change", async (store) => {
    const empty = await store.listWebhooks();
    await store.putWebhook({ id: "wh_2", json: '{"n":2}' });
    await store.putWebhook({ id: "wh_1", json: '{"n":1}' });
    await store.putWebhook({ id: "wh_1", json: '{"n":1.0}' });
    const full = await store.listWebhooks();
    assert.deepEqual(full.webhooks, [{ id: "wh_1", json: '{"n":1.0}' }, {
      id: "wh_2",
      json: '{"n":2}',
    }]);
    assert.equal(await store.deleteWebhook("wh_2"), true);
    assert.equal(await store.deleteWebhook("wh_2"), false);
    const last = await store.listWebhooks();
    assert.deepEqual(last.webhooks.map(({ id }) => id), ["wh_1"]);
    assert.equal(new Set([empty.version, full.version, last.version]).size, 3);
  });
}
