import assert from "node:assert/strict";
import type { EventDraft } from "../../../../services/store/port/events.ts";
import type { RecordGuard } from "../../../../services/store/port/records.ts";
import type { Store } from "../../../../services/store/port/store.ts";
import {
  accept,
  claimDeliveries,
  draft,
  ids,
  messages,
  publish,
  settle,
  T0,
  webhook,
} from "../../../support/drafts.ts";
import type { ContractTest } from "./contract.ts";

const HOUR = 3_600_000;

/** Drafts that are published only while a record holds what they expect. */
export function guardContract(test: ContractTest): void {
  const guard = (expected: string | null, text: string, change: Partial<RecordGuard> = {}) => ({
    guard: { kind: "sms-status", key: "key", expected, text, untilMs: null, ...change } as const,
  });
  const held = (store: Store, near: string | null = "S1", nowMs = T0) =>
    store.readRecord({ kind: "sms-status", key: "key", ...(near === null ? {} : { near }) }, nowMs);
  const types = async (store: Store) =>
    (await store.listEvents({ limit: 99 })).items.map(({ type }) => type);

  test("a guarded draft is published while its record holds what it expects, and changes it", async (store) => {
    const accepted = async (change: Partial<EventDraft>) =>
      (await publish(store, [draft(change)]))[0]?.accepted;
    assert.equal(await accepted(guard("sent", "delivered")), false);
    assert.equal(await held(store), null);
    assert.equal(await accepted(guard(null, "sent")), true);
    assert.equal(await held(store), "sent");
    assert.equal(await accepted(guard(null, "sent")), false);
    assert.equal(await accepted(guard("sent", "delivered")), true);
    assert.equal(await held(store), "delivered");
    const [next] = await publish(store, [draft()]);
    assert.equal(next?.sequence, 3);
  });

  test("a draft whose guard does not hold leaves no trace", async (store) => {
    await accept(store, "S1", "a");
    const [dropped] = await publish(store, [draft({
      ...guard("sent", "delivered"),
      data: messages([1]),
      stateHash: "A",
      observed: { state: "Gone", phone: "15550001" },
      webhooks: [webhook("wh_1")],
    })]);
    assert.deepEqual(dropped, {
      id: dropped?.id,
      accepted: false,
      sequence: null,
      deliveries: 0,
    });
    const session = await store.readSession("S1", { nowMs: T0, slide: false });
    assert.deepEqual([session?.state, session?.customer, session?.sequence], ["accepted", null, 1]);
    assert.deepEqual(await store.firstUnseenMessage(["S1"]), [1]);
    assert.equal(await store.readEvent(dropped?.id ?? ""), null);
  });

  test("a draft that is a duplicate for another reason leaves its record as it is", async (store) => {
    await publish(store, [draft({ stateHash: "A" }), draft({ data: messages([1]) })]);
    const again = await publish(store, [
      draft({ stateHash: "A", ...guard(null, "x") }),
      draft({ data: messages([1]), ...guard(null, "x") }),
    ]);
    assert.deepEqual(again.map(({ accepted }) => accepted), [false, false]);
    assert.equal(await held(store), null);
  });

  test("a guarded draft that is repeated stays accepted, whatever its record holds by now", async (store) => {
    const first = draft(guard(null, "one"));
    const [published] = await publish(store, [first]);
    await publish(store, [draft(guard("one", "two"))]);
    assert.deepEqual(await publish(store, [first]), [published]);
    assert.equal(await held(store), "two");
  });

  test("a guard sees what earlier drafts of its batch did, and that its record has lapsed", async (store) => {
    const untilMs = T0 + HOUR;
    const batch = await publish(store, [
      draft(guard(null, "one", { untilMs })),
      draft(guard(null, "one", { untilMs })),
      draft({ sessionId: "S2", ...guard(null, "one", { untilMs }) }),
    ]);
    assert.deepEqual(batch.map(({ accepted }) => accepted), [true, false, true]);
    assert.equal(await held(store, "S1", untilMs - 1), "one");
    const [late] = await publish(store, [draft(guard(null, "late"))], untilMs);
    assert.equal(late?.accepted, true);
  });

  test("the guard of a draft without a session looks at the record near none", async (store) => {
    const free = () => draft({ sessionId: null, ...guard(null, "one") });
    for (const expected of [true, false, false]) {
      assert.equal((await publish(store, [free()]))[0]?.accepted, expected);
    }
    assert.deepEqual([await held(store, null), await held(store)], ["one", null]);
    await store.writeRecord({
      kind: "sms-status",
      key: "key",
      text: null,
      untilMs: null,
      nowMs: T0,
    });
    assert.equal((await publish(store, [free()]))[0]?.accepted, true);
  });

  test("100 copies of one thing that came in make one event", async (store) => {
    const copies = await Promise.all(
      Array.from({ length: 100 }, () => publish(store, [draft(guard(null, "in"))])),
    );
    assert.equal(copies.flat().filter(({ accepted }) => accepted).length, 1);
    assert.equal((await types(store)).length, 1);
  });

  test("a settlement counts, whether the guards of its drafts hold or not", async (store) => {
    await publish(store, [draft({ webhooks: [webhook("wh_1")] })]);
    const [delivery] = (await claimDeliveries(store, T0)).deliveries;
    assert(delivery);
    const outcome = await settle(store, delivery, { status: "delivered" }, T0, [
      draft({ type: "t.kept", ...guard(null, "one") }),
      draft({ type: "t.dropped", ...guard(null, "two") }),
    ]);
    assert.equal(outcome, "settled");
    assert.equal(await held(store), "one");
    assert.deepEqual((await types(store)).slice(1), ["t.kept"]);
  });

  test("confirming and ending count, whether the guards of their drafts hold or not", async (store) => {
    const { version } = await store.listWebhooks();
    const confirm = (sessionId: string, change: Partial<EventDraft>) =>
      store.confirmSession(
        { sessionId, agentId: "a", nickname: "n", nowMs: T0, acceptedUpstreamMs: T0, as: "holder" },
        draft({ sessionId, type: "session.accepted", ...change }),
        version,
      );
    const confirmed = [
      await confirm("S1", guard(null, "one")),
      await confirm("S2", guard("none", "one")),
    ];
    assert.deepEqual(
      confirmed.map((result) => result.outcome === "confirmed" && result.published.accepted),
      [true, false],
    );
    assert.equal(await held(store), "one");
    const end = (sessionId: string) =>
      store.applyEffect(
        { sessionId, agentId: "a", nowMs: T0, effect: { kind: "end" } },
        draft({ sessionId, type: "session.released", ...guard("one", "two") }),
        version,
      );
    const ended = [await end("S1"), await end("S2")];
    assert.deepEqual(
      ended.map((result) => result.outcome === "applied" && result.published?.accepted),
      [true, false],
    );
    assert.deepEqual([await held(store), await held(store, "S2")], ["two", null]);
    assert.equal(await store.readSession("S2", { nowMs: T0, slide: false }), null);
    assert.equal(
      (await store.claimSession({
        sessionId: "S2",
        agentId: "b",
        token: ids.token(),
        nowMs: T0,
        untilMs: T0 + HOUR,
      })).outcome,
      "claimed",
    );
  });
}
