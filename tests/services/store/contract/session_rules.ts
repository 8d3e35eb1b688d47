import assert from "node:assert/strict";
import type { SessionEffect } from "../../../../services/store/port/sessions.ts";
import type { Store } from "../../../../services/store/port/store.ts";
import type {
  Decision,
  Kept,
  Mapping,
  MappingChange,
} from "../../../../services/store/session_rules.ts";
import { accept, draft, ids } from "../../../support/drafts.ts";
import { CLAIMS, CONFIRMATIONS, EFFECTS, NEWCOMER, NOW } from "../session_cases.ts";
import type { ContractTest } from "./contract.ts";

/** When everything happened that a case begins with. */
const BEFORE = NOW - 10;
/** Until when a seat is open for the claims of a case to be possible. */
const OPEN_UNTIL = NOW + 60_000;
const SESSION = { sessionId: "S1" };

/** Brings the session to where a case begins. */
async function bring(store: Store, { mapping, claim }: Kept): Promise<void> {
  const does = (agentId: string, effect: SessionEffect) =>
    store.applyEffect({ ...SESSION, agentId, nowMs: BEFORE, effect }, null, 0);
  const claims = async () => {
    if (claim === null) return;
    const claimed = await store.claimSession({
      ...SESSION,
      ...claim,
      token: ids.token(),
      nowMs: BEFORE,
    });
    assert.equal(claimed.outcome, "claimed");
  };
  if (mapping === null) return await claims();

  const [first, ...participants] = mapping.agents;
  const { standsInUntil } = first;
  const holder = standsInUntil === undefined ? first.agentId : "gone";
  await accept(store, "S1", holder, { nowMs: BEFORE });
  if (claim !== null) await does(holder, { kind: "open-seat", untilMs: OPEN_UNTIL });
  await claims();
  for (
    const { agentId, nickname } of standsInUntil === undefined ? participants : mapping.agents
  ) {
    await does(agentId, { kind: "join", nickname });
  }
  if (standsInUntil !== undefined) {
    await does(holder, { kind: "hand-over", untilMs: standsInUntil });
  }
  if (standsInUntil !== mapping.seatUntilMs) {
    await does(first.agentId, { kind: "open-seat", untilMs: mapping.seatUntilMs });
  }
  assert.deepEqual((await look(store)).mapping, shown(mapping));
}

/** A mapping as it can be read. */
function shown({ agents, seatUntilMs }: Mapping) {
  return { agents: agents.map(({ agentId, nickname }) => ({ agentId, nickname })), seatUntilMs };
}

async function look(store: Store) {
  const session = await store.readSession("S1", { nowMs: NOW, slide: false });
  const { items } = await store.listEvents({ limit: 99, sessionId: "S1" });
  return {
    mapping: session === null ? null : shown({
      agents: [session, ...session.participants],
      seatUntilMs: session.seatUntilMs,
    }),
    acceptedNow: session?.acceptedAtMs === NOW,
    told: items.some(({ type }) => type === "asked"),
  };
}

/** What can be read once a decision was carried out. */
function after({ mapping }: Kept, { mapping: change, tells }: Decision<unknown>) {
  const mappingAfter = change === undefined ? mapping : change.to === "end" ? null : change.mapping;
  return {
    mapping: mappingAfter === null ? null : shown(mappingAfter),
    acceptedNow: isAcceptedAnew(change),
    told: tells === true,
  };
}

function isAcceptedAnew(change: MappingChange | undefined): boolean {
  return change?.to === "begin" || (change?.to === "change" && change.acceptedAnew);
}

/** Every engine decides as the rules do, and does what they decide. */
export function sessionRulesContract(test: ContractTest): void {
  const asked = () => draft({ type: "asked" });
  const version = async (store: Store) => (await store.listWebhooks()).version;

  for (const [says, kept, agentId, expected] of CLAIMS) {
    test(`claiming ${says}: ${expected}`, async (store) => {
      await bring(store, kept);
      const request = { ...SESSION, agentId, token: ids.token(), nowMs: NOW, untilMs: OPEN_UNTIL };
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

  for (const [says, mapping, agentId, effect, expected] of EFFECTS) {
    test(`an agent who ${says}: ${expected.mapping?.to ?? expected.outcome}`, async (store) => {
      const kept = { mapping, claim: null };
      await bring(store, kept);
      const request = { ...SESSION, agentId, nowMs: NOW, effect };
      const applied = await store.applyEffect(request, asked(), await version(store));
      assert.equal(applied.outcome, expected.outcome);
      assert.deepEqual(await look(store), after(kept, expected));
    });
  }
}
