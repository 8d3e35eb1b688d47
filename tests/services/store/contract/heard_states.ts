import assert from "node:assert/strict";
import type { Observation } from "../../../../services/store/port/events.ts";
import type { Store } from "../../../../services/store/port/store.ts";
import { accept, draft, ids, publish, T0 } from "../../../support/drafts.ts";
import type { ContractTest } from "./contract.ts";

const CLAIM_MS = 60_000;
const DAY = 86_400_000;

/** What may happen before agent a's Accept is confirmed at T0 + 10 s. */
interface Story {
  readonly says: string;
  readonly before: (store: Store) => Promise<unknown>;
  readonly state: string;
}

const claim = (store: Store, { agentId = "a", nowMs = T0, token = ids.token() } = {}) =>
  store.claimSession({ sessionId: "S1", agentId, token, nowMs, untilMs: nowMs + CLAIM_MS });

const hear = (store: Store, observed: Observation, nowMs = T0) =>
  publish(store, [draft({ observed })], nowMs);

const STORIES: readonly Story[] = [
  {
    says: "nothing",
    before: (store) => claim(store),
    state: "accepted",
  },
  {
    says: "the state by this agent",
    async before(store) {
      await claim(store);
      await hear(store, { state: "Chatting", heardBy: "a" });
    },
    state: "Chatting",
  },
  {
    says: "the state by nobody named",
    async before(store) {
      await claim(store);
      await hear(store, { state: "Chatting" });
    },
    state: "Chatting",
  },
  {
    says: "two states, of which the later counts",
    async before(store) {
      await claim(store);
      await hear(store, { state: "Invited", heardBy: "a" });
      await hear(store, { state: "Chatting", heardBy: "a" }, T0 + 1);
    },
    state: "Chatting",
  },
  {
    says: "the state, and then something without one",
    async before(store) {
      await claim(store);
      await hear(store, { state: "Chatting", heardBy: "a" });
      await hear(store, { phone: "15550001" }, T0 + 1);
    },
    state: "Chatting",
  },
  {
    says: "the state by this agent, and another one by an agent who did not claim",
    async before(store) {
      await claim(store);
      await hear(store, { state: "Chatting", heardBy: "a" });
      await hear(store, { state: "Completed", heardBy: "b" }, T0 + 1);
    },
    state: "Chatting",
  },
  ...["Invited", "Completed", "Revoked"].map((state) => ({
    says: `${state}, in the very millisecond of the claim but before it`,
    async before(store: Store) {
      await hear(store, { state, heardBy: "a" });
      await hear(store, { state });
      await claim(store);
    },
    state: "accepted",
  })),
  {
    says: "the state during an earlier claim of the same agent",
    async before(store) {
      await claim(store);
      await hear(store, { state: "Revoked", heardBy: "a" });
      await claim(store, { nowMs: T0 + 1 });
    },
    state: "accepted",
  },
  {
    says: "the state during a claim that was given back",
    async before(store) {
      await claim(store, { token: "given back" });
      await hear(store, { state: "Revoked", heardBy: "a" });
      await store.releaseClaim("S1", "given back");
      await claim(store);
    },
    state: "accepted",
  },
  {
    says: "the state during another agent's claim that has lapsed",
    async before(store) {
      await claim(store, { agentId: "b", nowMs: T0 - CLAIM_MS });
      await hear(store, { state: "Chatting" }, T0 - 1);
      await claim(store);
    },
    state: "accepted",
  },
  {
    says: "the state after the claim had lapsed",
    async before(store) {
      await claim(store, { nowMs: T0 - CLAIM_MS });
      await hear(store, { state: "Chatting" });
    },
    state: "accepted",
  },
  {
    says: "the state while the claim lasted, which has lapsed since",
    async before(store) {
      await claim(store, { nowMs: T0 - CLAIM_MS });
      await hear(store, { state: "Chatting" }, T0 - 1);
    },
    state: "accepted",
  },
  {
    says: "the state of another session",
    async before(store) {
      await claim(store);
      await publish(store, [draft({ sessionId: "S2", observed: { state: "Chatting" } })]);
    },
    state: "accepted",
  },
  {
    says: "the state after an earlier mapping had lapsed",
    async before(store) {
      await accept(store, "S1", "b", { nowMs: T0 - DAY });
      await hear(store, { state: "LeftChat" }, T0 - DAY);
      await claim(store, { nowMs: T0 + 1 });
      await hear(store, { state: "Chatting", heardBy: "a" }, T0 + 2);
    },
    state: "Chatting",
  },
];

/** What upstream says of a session between an agent's claim and its confirmation: the StatusChange that an Accept leads to. */
export function heardStatesContract(test: ContractTest): void {
  const confirm = async (store: Store, as: "holder" | "participant", nowMs = T0 + 10_000) => {
    const { version } = await store.listWebhooks();
    const request = { sessionId: "S1", agentId: "a", nickname: "n", acceptedUpstreamMs: T0 };
    const own = draft({ type: "session.accepted" });
    return await store.confirmSession({ ...request, nowMs, as }, own, version);
  };
  const stateOf = async (store: Store) =>
    (await store.readSession("S1", { nowMs: T0 + 10_000, slide: false }))?.state;

  for (const { says, before, state } of STORIES) {
    test(`a mapping begins as ${state} when upstream told: ${says}`, async (store) => {
      await before(store);
      assert.equal((await confirm(store, "holder")).outcome, "confirmed");
      assert.equal(await stateOf(store), state);
    });
  }

  test("a seat that is taken leaves the session's state as its holder heard it", async (store) => {
    await accept(store, "S1", "b");
    await hear(store, { state: "Chatting", heardBy: "b" });
    const seat = { kind: "open-seat", untilMs: T0 + CLAIM_MS } as const;
    const invite = { sessionId: "S1", agentId: "b", nowMs: T0, effect: seat };
    await store.applyEffect(invite, null, 0);
    await claim(store);
    await hear(store, { state: "Invited", heardBy: "a" });
    assert.equal((await confirm(store, "participant")).outcome, "confirmed");
    assert.equal(await stateOf(store), "Chatting");
  });

  test("who took a seat and is left alone has the state that was heard after the others went", async (store) => {
    await accept(store, "S1", "b");
    const seat = { kind: "open-seat", untilMs: T0 + CLAIM_MS } as const;
    const step = { sessionId: "S1", agentId: "b", nowMs: T0 };
    await store.applyEffect({ ...step, effect: seat }, null, 0);
    await claim(store);
    await hear(store, { state: "LeftChat", heardBy: "b" });
    await store.applyEffect({ ...step, effect: { kind: "leave" } }, null, 0);
    await hear(store, { state: "Chatting", heardBy: "a" }, T0 + 1);
    assert.equal((await confirm(store, "participant")).outcome, "lost");
    assert.equal((await confirm(store, "holder")).outcome, "confirmed");
    assert.equal(await stateOf(store), "Chatting");
  });
}
