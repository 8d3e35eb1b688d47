import assert from "node:assert/strict";
import type { SessionEffect } from "../../../../services/store/port/sessions.ts";
import type { Store } from "../../../../services/store/port/store.ts";
import { LATE_SPANS_KEPT, LATE_TEXTS_MS } from "../../../../services/store/rules.ts";
import {
  accept,
  claimDeliveries,
  draft,
  messages,
  POLICY,
  publish,
  T0,
} from "../../../support/drafts.ts";
import type { ContractTest } from "./contract.ts";

const SECOND = 1_000;
const ACCEPTED = T0;
const RELEASED = T0 + 60 * SECOND;

/** Texts of these indexes, said at one time, come in; gives how many of them are to leave. */
async function comeIn(
  store: Store,
  indexes: readonly number[],
  at: { readonly sentAtMs: number; readonly nowMs: number },
): Promise<number | undefined> {
  const { sentAtMs, nowMs } = at;
  const [event] = await publish(store, [
    draft({
      occurredAtMs: nowMs,
      data: messages(indexes),
      smsMessages: indexes.map((index) => ({ index, sentAtMs })),
    }),
  ], nowMs);
  return event?.deliveries;
}

async function release(
  store: Store,
  agentId: string,
  nowMs: number,
  effect: SessionEffect = { kind: "end" },
): Promise<void> {
  const { version } = await store.listWebhooks();
  const request = { sessionId: "S1", agentId, nowMs, effect };
  const released = draft({ type: "session.released", occurredAtMs: nowMs });
  const { outcome } = await store.applyEffect(request, released, version);
  assert.equal(outcome, "applied");
}

const acceptAt = (store: Store, agentId: string, nowMs: number) =>
  accept(store, "S1", agentId, { nowMs, acceptedUpstreamMs: nowMs });

async function sentIndexes(store: Store) {
  const { items } = await store.listDeliveries({ limit: 50, sinkId: "sms" });
  return items.map(({ messageIndex }) => messageIndex);
}

const RELEASES: readonly SessionEffect[] = [
  { kind: "end" },
  { kind: "leave" },
  { kind: "hand-over", untilMs: RELEASED + 300 * SECOND },
];

/** Each row: how the text's time, and its arrival, lie to the mapping's; whether it leaves. */
const TIMES: readonly (readonly [name: string, sentAtMs: number, nowMs: number, leaves: 0 | 1])[] =
  [
    ["said with the Accept", ACCEPTED, RELEASED + 1, 1],
    ["said before the Accept", ACCEPTED - 1, RELEASED + 1, 0],
    ["said at the moment of the release", RELEASED, RELEASED + 1, 1],
    ["said after the release", RELEASED + 1, RELEASED + 1, 0],
    ["that comes at the last moment", RELEASED - 1, RELEASED + LATE_TEXTS_MS - 1, 1],
    ["that comes later than that", RELEASED - 1, RELEASED + LATE_TEXTS_MS, 0],
  ];

/** What becomes of texts that come in when the mapping in which they were said is over. */
export function lateTextsContract(test: ContractTest): void {
  for (const effect of RELEASES) {
    test(`a text said before the agent's ${effect.kind} leaves although it comes after it`, async (store) => {
      await acceptAt(store, "a", ACCEPTED);
      const customer = { phone: "+14155550199", sender: null };
      await store.setCustomer({ sessionId: "S1", customer, nowMs: ACCEPTED });
      await release(store, "a", RELEASED, effect);
      const late = { sentAtMs: RELEASED - SECOND, nowMs: RELEASED + SECOND };
      assert.equal(await comeIn(store, [1], late), 1);
      assert.equal(await store.readSession("S1", { nowMs: late.nowMs, slide: false }), null);
      const { deliveries: [delivery] } = await claimDeliveries(store, late.nowMs);
      assert.deepEqual([delivery?.messageIndex, delivery?.customer], [1, customer]);
      assert.equal(delivery?.event.agentId, null);
    });
  }

  for (const [name, sentAtMs, nowMs, leaves] of TIMES) {
    test(`a text ${name} ${leaves ? "leaves" : "stays"}`, async (store) => {
      await acceptAt(store, "a", ACCEPTED);
      await release(store, "a", RELEASED);
      assert.equal(await comeIn(store, [1], { sentAtMs, nowMs }), leaves);
    });
  }

  test("of the history that is replayed to the next agent only what was never seen leaves, once", async (store) => {
    await acceptAt(store, "a", ACCEPTED);
    const said = { sentAtMs: RELEASED - SECOND, nowMs: RELEASED - SECOND };
    assert.equal(await comeIn(store, [1, 2], said), 2);
    await release(store, "a", RELEASED);
    const next = RELEASED + 10 * SECOND;
    await acceptAt(store, "b", next);
    assert.equal(await comeIn(store, [1, 2, 3], { ...said, nowMs: next }), 1);
    assert.equal(await comeIn(store, [1, 2, 3], { ...said, nowMs: next + 1 }), 0);
    assert.deepEqual(await sentIndexes(store), [1, 2, 3]);
  });

  test("a session that was released twice lets texts of both times leave, and none from in between", async (store) => {
    await acceptAt(store, "a", ACCEPTED);
    await release(store, "a", ACCEPTED + 10 * SECOND);
    await acceptAt(store, "b", ACCEPTED + 30 * SECOND);
    await release(store, "b", RELEASED);
    const nowMs = RELEASED + SECOND;
    const left: (number | undefined)[] = [];
    for (const [at, seconds] of [5, 20, 40].entries()) {
      left.push(await comeIn(store, [at + 1], { sentAtMs: ACCEPTED + seconds * SECOND, nowMs }));
    }
    assert.deepEqual(left, [1, 0, 1]);
  });

  test(`of more than ${LATE_SPANS_KEPT} releases at a time the last are remembered`, async (store) => {
    const acceptedAt = (nth: number) => ACCEPTED + nth * 8 * SECOND;
    for (let nth = 0; nth <= LATE_SPANS_KEPT; nth++) {
      await acceptAt(store, "a", acceptedAt(nth));
      await release(store, "a", acceptedAt(nth) + SECOND);
    }
    const nowMs = acceptedAt(LATE_SPANS_KEPT) + 2 * SECOND;
    assert.equal(await comeIn(store, [1], { sentAtMs: acceptedAt(0), nowMs }), 0);
    assert.equal(await comeIn(store, [2], { sentAtMs: acceptedAt(1), nowMs }), 1);
    assert.equal(await comeIn(store, [3], { sentAtMs: acceptedAt(LATE_SPANS_KEPT), nowMs }), 1);
  });

  test("a mapping that lapsed lets nothing leave afterwards", async (store) => {
    await acceptAt(store, "a", ACCEPTED);
    const nowMs = ACCEPTED + POLICY.sessionTtlMs;
    assert.equal(await comeIn(store, [1], { sentAtMs: nowMs - 1, nowMs }), 0);
    await claimDeliveries(store, nowMs, { sweep: true });
    assert.equal(await comeIn(store, [2], { sentAtMs: nowMs - 1, nowMs }), 0);
  });

  test("an effect that leaves the session with another agent keeps to the mapping's own times", async (store) => {
    await comeIn(store, [2], { sentAtMs: ACCEPTED - SECOND, nowMs: ACCEPTED - SECOND });
    await acceptAt(store, "a", ACCEPTED);
    const seat = { kind: "open-seat", untilMs: RELEASED } as const;
    await store.applyEffect({ sessionId: "S1", agentId: "a", nowMs: T0, effect: seat }, null, 0);
    await accept(store, "S1", "b", { nowMs: ACCEPTED + SECOND });
    await release(store, "a", RELEASED, { kind: "leave" });
    const nowMs = RELEASED + SECOND;
    assert.equal(await comeIn(store, [3], { sentAtMs: RELEASED - 1, nowMs }), 1);
    // Below an index that was told of before the Accept, so that its time alone decides.
    assert.equal(await comeIn(store, [1], { sentAtMs: ACCEPTED - 1, nowMs }), 0);
  });
}
