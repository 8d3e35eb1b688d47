import assert from "node:assert/strict";
import type { SessionEffect } from "../../../../services/store/port/sessions.ts";
import type { Store } from "../../../../services/store/port/store.ts";
import { accept, draft, T0 } from "../../../support/drafts.ts";
import type { ContractTest } from "./contract.ts";

const MINUTE = 60_000;
const SEAT_MS = 5 * MINUTE;

const claim = (agentId: string, nowMs = T0) => ({
  sessionId: "S1",
  agentId,
  token: agentId,
  nowMs,
  untilMs: nowMs + MINUTE,
});
const does = (agentId: string, effect: SessionEffect, nowMs = T0) => ({
  sessionId: "S1",
  agentId,
  nowMs,
  effect,
});
const invites = (agentId: string, untilMs = T0 + SEAT_MS) =>
  does(agentId, { kind: "open-seat", untilMs });
const handsOver = (agentId: string) => does(agentId, { kind: "hand-over", untilMs: T0 + SEAT_MS });
const declines = (agentId: string) => does(agentId, { kind: "decline" });

/** Agents accept one after the other; the first holds the session. */
async function together(store: Store, first: string, ...others: string[]): Promise<void> {
  await accept(store, "S1", first);
  for (const agentId of others) {
    await store.applyEffect(invites(first), null, 0);
    await accept(store, "S1", agentId);
  }
}

async function agentsAt(store: Store, nowMs = T0): Promise<readonly string[]> {
  const session = await store.readSession("S1", { nowMs, slide: false });
  if (session === null) return [];
  return [session.agentId, ...session.participants.map(({ agentId }) => agentId)];
}

/** Who is in a session after a Transfer, and as what. */
export function handingOverContract(test: ContractTest): void {
  test("a holder who hands over is stood in for, until the next agent accepts and is the holder", async (store) => {
    await together(store, "a", "b", "c");
    const { version } = await store.listWebhooks();
    assert.deepEqual(await store.applyEffect(handsOver("a"), draft(), version), {
      outcome: "applied",
      published: null,
    });
    assert.deepEqual(await agentsAt(store), ["b", "c"]);
    assert.deepEqual(await store.claimSession(claim("b")), { outcome: "own" });
    assert.deepEqual(await store.claimSession(claim("d")), { outcome: "claimed", as: "holder" });
    assert.equal((await accept(store, "S1", "d", { nowMs: T0 + 1 })).outcome, "confirmed");
    const session = await store.readSession("S1", { nowMs: T0 + 1, slide: false });
    assert.deepEqual(
      [session?.agentId, session?.participants, session?.acceptedAtMs, session?.seatsUntilMs],
      ["d", ["b", "c"].map((id) => ({ agentId: id, nickname: `Nick of ${id}` })), T0 + 1, []],
    );
    const heldBy = async (agentId: string) =>
      (await store.listSessions({ limit: 9, nowMs: T0, agentId })).items.map(({ id }) => id);
    assert.deepEqual([await heldBy("a"), await heldBy("b"), await heldBy("d")], [[], [], ["S1"]]);
    assert.deepEqual(await store.claimSession(claim("e")), { outcome: "held" });
  });

  test("the event of an Accept after a hand-over names the new holder", async (store) => {
    await together(store, "a", "b");
    await store.applyEffect(handsOver("a"), null, 0);
    const confirmed = await accept(store, "S1", "c");
    assert.ok(confirmed.outcome === "confirmed");
    assert.equal((await store.readEvent(confirmed.published.id))?.agentId, "c");
  });

  test("a hand-over by the only agent ends the mapping with an event that names it", async (store) => {
    await together(store, "a");
    const { version } = await store.listWebhooks();
    const released = draft({ type: "session.released" });
    assert.equal((await store.applyEffect(handsOver("a"), released, version)).outcome, "applied");
    assert.deepEqual(await agentsAt(store), []);
    assert.equal((await store.readEvent(released.id))?.agentId, "a");
    assert.deepEqual(await store.claimSession(claim("b")), { outcome: "claimed", as: "holder" });
  });

  test("a participant who hands over makes room for another participant", async (store) => {
    await together(store, "a", "b");
    await store.applyEffect(handsOver("b"), null, 0);
    assert.deepEqual(await agentsAt(store), ["a"]);
    assert.equal((await accept(store, "S1", "c")).outcome, "confirmed");
    assert.deepEqual(await agentsAt(store), ["a", "c"]);
  });

  test("nobody takes a holder's place after its time, or when it was declined", async (store) => {
    await together(store, "a", "b");
    await store.applyEffect(handsOver("a"), null, 0);
    assert.deepEqual(await store.claimSession(claim("c", T0 + SEAT_MS)), { outcome: "held" });
    await store.applyEffect(declines("c"), null, 0);
    assert.deepEqual(await store.claimSession(claim("c")), { outcome: "held" });
  });

  test("an Invite by who stands in takes nothing from the holder to come", async (store) => {
    await together(store, "a", "b");
    await store.applyEffect(handsOver("a"), null, 0);
    await store.applyEffect(invites("b", T0 + SEAT_MS + 1), null, 0);
    assert.equal((await accept(store, "S1", "c")).outcome, "confirmed");
    assert.equal((await accept(store, "S1", "d")).outcome, "confirmed");
    assert.deepEqual(await agentsAt(store), ["c", "b", "d"]);
    assert.deepEqual(await store.claimSession(claim("e")), { outcome: "held" });
  });

  for (const kind of ["end", "leave"] as const) {
    test(`an Accept of a seat whose session is over by ${kind} is lost as participant, and won as holder`, async (store) => {
      await together(store, "a");
      await store.applyEffect(invites("a"), null, 0);
      assert.deepEqual(await store.claimSession(claim("b")), {
        outcome: "claimed",
        as: "participant",
      });
      await store.applyEffect(does("a", { kind }), null, 0);
      const { version } = await store.listWebhooks();
      const confirm = (as: "holder" | "participant") =>
        store.confirmSession(
          { sessionId: "S1", agentId: "b", nickname: "n", nowMs: T0, acceptedUpstreamMs: T0, as },
          draft({ type: as }),
          version,
        );
      assert.deepEqual(await confirm("participant"), { outcome: "lost" });
      assert.deepEqual(await agentsAt(store), []);
      // The claim is the agent's still.
      assert.deepEqual(await store.claimSession(claim("c")), { outcome: "held" });
      assert.equal((await confirm("holder")).outcome, "confirmed");
      assert.deepEqual(await agentsAt(store), ["b"]);
      const { items } = await store.listEvents({ limit: 9, sessionId: "S1" });
      assert.deepEqual(items.map(({ type, agentId }) => [type, agentId]).at(-1), ["holder", "b"]);
    });
  }

  test("a holder's place that is declined while somebody accepts is lost to them", async (store) => {
    await together(store, "a", "b");
    await store.applyEffect(handsOver("a"), null, 0);
    await store.claimSession(claim("c"));
    await store.applyEffect(declines("d"), null, 0);
    const { version } = await store.listWebhooks();
    const request = {
      sessionId: "S1",
      agentId: "c",
      nickname: "n",
      nowMs: T0,
      acceptedUpstreamMs: T0,
      as: "holder" as const,
    };
    assert.deepEqual(await store.confirmSession(request, draft(), version), { outcome: "lost" });
    assert.deepEqual(await agentsAt(store), ["b"]);
  });
}
