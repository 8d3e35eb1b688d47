import assert from "node:assert/strict";
import type { SessionEffect } from "../../../../services/store/port/sessions.ts";
import type { Store } from "../../../../services/store/port/store.ts";
import type {
  Agent,
  Claim,
  Decision,
  Kept,
  Mapping,
} from "../../../../services/store/session_rules/kept.ts";
import { accept, draft, ids, publish } from "../../../support/drafts.ts";
import {
  BEFORE,
  CLAIMS,
  CONFIRMATIONS,
  EFFECTS,
  type EndingCase,
  ENDINGS,
  NEWCOMER,
  NOW,
} from "../session_cases.ts";
import type { ContractTest } from "./contract.ts";

/** How long what a case asks for lasts. */
const OPEN_UNTIL = NOW + 60_000;
const SESSION = { sessionId: "S1" };

/** Brings the session to where a case begins. */
async function bring(store: Store, { mapping, claims }: Kept): Promise<void> {
  const does = async (agentId: string, effect: SessionEffect) => {
    const request = { ...SESSION, agentId, nowMs: BEFORE, effect };
    assert.equal((await store.applyEffect(request, null, 0)).outcome, "applied");
  };
  const claim = async ({ agentId, untilMs, doubtFromMs }: Claim) => {
    const token = ids.token();
    const times = { nowMs: BEFORE, untilMs, doubtFromMs: Math.max(doubtFromMs, NOW + 1) };
    const claimed = await store.claimSession({ ...SESSION, agentId, token, ...times });
    assert.equal(claimed.outcome, "claimed");
    if (doubtFromMs <= NOW) await store.doubtClaim({ ...SESSION, token, nowMs: doubtFromMs });
  };
  // Claims of seats that no mapping has are those of one that is over.
  const seatsClaimed = claims.flatMap(({ seatUntilMs }) => seatUntilMs ?? []);
  if (mapping === null && seatsClaimed.length === 0) {
    for (const each of claims) await claim(each);
    return;
  }

  const [first, ...participants] = mapping?.agents ?? [{ agentId: "gone", nickname: "" }];
  const { standsInUntil } = first;
  const holder = standsInUntil === undefined ? first.agentId : "gone";
  await accept(store, "S1", holder, { nowMs: BEFORE });
  const joining = standsInUntil === undefined ? participants : [first, ...participants];
  const isClaiming = ({ agentId }: Agent) => claims.some((claim) => claim.agentId === agentId);
  const join = ({ agentId, nickname }: Agent) => does(agentId, { kind: "join", nickname });
  for (const each of joining) if (!isClaiming(each)) await join(each);
  if (standsInUntil !== undefined) {
    await does(holder, { kind: "hand-over", untilMs: standsInUntil });
  }
  const seats = mapping?.seats ?? [];
  const missing = [...seatsClaimed, standsInUntil ?? []].flat()
    .filter((untilMs) => !seats.includes(untilMs));
  const opened = [...seats, ...new Set(missing)];
  for (const untilMs of opened) {
    if (untilMs !== standsInUntil) await does(first.agentId, { kind: "open-seat", untilMs });
  }
  for (const each of claims) await claim(each);
  for (let left = opened.length; left > seats.length; left--) {
    await does("nobody in particular", { kind: "decline" });
  }
  for (const each of joining) if (isClaiming(each)) await join(each);
  if (mapping === null) await does(holder, { kind: "leave" });
  assert.deepEqual((await look(store)).mapping, mapping === null ? null : shown(mapping));
}

/** A mapping as it can be read. */
function shown({ agents, seats, acceptedAtMs }: Omit<Mapping, "strayUntilMs">) {
  return {
    agents: agents.map(({ agentId, nickname }) => ({ agentId, nickname })),
    seats,
    acceptedAtMs,
  };
}

async function look(store: Store) {
  const session = await store.readSession("S1", { nowMs: NOW, slide: false });
  const { items } = await store.listEvents({ limit: 99, sessionId: "S1" });
  return {
    mapping: session === null ? null : shown({
      agents: [session, ...session.participants],
      seats: session.seatsUntilMs,
      acceptedAtMs: session.acceptedAtMs,
    }),
    told: items.some(({ type }) => type === "asked"),
  };
}

/** What can be read once a decision was carried out. */
function after({ mapping }: Kept, { mapping: change, tells }: Decision<unknown>) {
  const mappingAfter = change === undefined ? mapping : change.to === "end" ? null : change.mapping;
  return {
    mapping: mappingAfter === null ? null : shown(mappingAfter),
    told: tells === true,
  };
}

/** Brings about what else a case of a terminal state begins with. */
async function prepare(store: Store, { kept, isOwed, hasHeard, isLeft, ending }: EndingCase) {
  const step = { ...SESSION, nowMs: BEFORE };
  if (isOwed) {
    await accept(store, "S1", "earlier", { nowMs: BEFORE });
    await store.applyEffect({ ...step, agentId: "earlier", effect: { kind: "end" } }, null, 0);
  }
  await bring(store, kept);
  if (isLeft) {
    const joins = { kind: "join", nickname: "" } as const;
    await store.applyEffect({ ...step, agentId: "z", effect: joins }, null, 0);
    await store.applyEffect({ ...step, agentId: "z", effect: { kind: "leave" } }, null, 0);
  }
  if (hasHeard) await publish(store, [draft({ observed: { state: "Chatting" } })], BEFORE);
  if (ending.isRepeat) await publish(store, [draft({ stateHash: "over" })], BEFORE);
}

/** Every engine decides as the rules do, and does what they decide. */
export function sessionRulesContract(test: ContractTest): void {
  const asked = () => draft({ type: "asked" });
  const version = async (store: Store) => (await store.listWebhooks()).version;

  for (const [says, kept, agentId, expected] of CLAIMS) {
    test(`claiming ${says}: ${expected}`, async (store) => {
      await bring(store, kept);
      const times = { nowMs: NOW, untilMs: OPEN_UNTIL, doubtFromMs: OPEN_UNTIL };
      const request = { ...SESSION, agentId, token: ids.token(), ...times };
      const claimed = await store.claimSession(request);
      assert.equal(claimed.outcome === "claimed" ? claimed.as : claimed.outcome, expected);
      assert.deepEqual(await look(store), after(kept, { outcome: expected }));
    });
  }

  for (const [says, kept, as, expected] of CONFIRMATIONS) {
    test(`confirming ${says} as ${as}: ${expected.outcome}`, async (store) => {
      await bring(store, kept);
      const request = { ...SESSION, ...NEWCOMER, nowMs: NOW, acceptedUpstreamMs: NOW, as };
      const confirmed = await store.confirmSession(request, asked(), await version(store));
      assert.equal(confirmed.outcome, expected.outcome);
      assert.deepEqual(await look(store), after(kept, expected));
    });
  }

  for (const [says, mapping, agentId, effect, expected, claims = []] of EFFECTS) {
    test(`an agent who ${says}: ${expected.mapping?.to ?? expected.outcome}`, async (store) => {
      const kept = { mapping, claims };
      await bring(store, kept);
      const request = { ...SESSION, agentId, nowMs: NOW, effect };
      const applied = await store.applyEffect(request, asked(), await version(store));
      assert.equal(applied.outcome, expected.outcome);
      assert.deepEqual(await look(store), after(kept, expected));
    });
  }

  for (const ending of ENDINGS) {
    const { says, kept, expected } = ending;
    const what = [expected.mapping?.to, expected.claims?.to].filter((one) => one !== undefined);
    test(`a terminal state is told of ${says}: ${what.join(", ") || "nothing"}`, async (store) => {
      await prepare(store, ending);
      const { agentId = null, heardAtMs = NOW, stillIn = "untold", isRepeat } = ending.ending;
      const over = draft({
        stateHash: "over",
        observed: {
          state: "Completed",
          ending: { reason: "completed", stillIn },
          heardAtMs,
          ...(agentId !== null && { heardBy: agentId }),
        },
        released: asked(),
      });
      const before = await store.readSession("S1", { nowMs: NOW, slide: false });
      const [published] = await publish(store, [over], NOW);
      assert.equal(published?.accepted, isRepeat !== true);
      assert.equal(published?.departed === true, expected.outcome === "departed");
      assert.deepEqual(await look(store), after(kept, expected));
      const now = await store.readSession("S1", { nowMs: NOW, slide: false });
      if (now !== null) assert.equal(now.state, before?.state);
      assert.equal(await areClaimsOver(store, kept, expected), expected.claims !== undefined);
    });
  }
}

/** Whether the claims of a case that begins without a mapping are gone: then another agent may claim the session. */
async function areClaimsOver(
  store: Store,
  kept: Kept,
  { claims }: Decision<unknown>,
): Promise<boolean> {
  if (kept.mapping !== null || kept.claims.length === 0) return claims !== undefined;
  const times = { nowMs: NOW, untilMs: OPEN_UNTIL };
  const claim = { ...SESSION, agentId: "another", token: ids.token(), ...times };
  return (await store.claimSession(claim)).outcome === "claimed";
}
