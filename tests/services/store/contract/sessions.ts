import assert from "node:assert/strict";
import {
  accept,
  claimDeliveries,
  draft,
  ids,
  messages,
  publish,
  T0,
} from "../../../support/drafts.ts";
import type { ContractTest } from "./contract.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;

/** Who holds what: claims, mappings, seats, customers. */
export function sessionContract(test: ContractTest): void {
  const claim = (agentId: string, change: Record<string, unknown> = {}) => ({
    sessionId: "S1",
    agentId,
    token: ids.token(),
    nowMs: T0,
    untilMs: T0 + MINUTE,
    ...change,
  });

  test("claimSession() reserves a free session and refuses another agent", async (store) => {
    assert.deepEqual(await store.claimSession(claim("a")), { outcome: "claimed", as: "holder" });
    assert.deepEqual(await store.claimSession(claim("b")), { outcome: "held" });
    assert.equal(await store.readSession("S1", { nowMs: T0, slide: false }), null);
  });

  test("claimSession() lets the claiming agent try again", async (store) => {
    await store.claimSession(claim("a"));
    assert.deepEqual(await store.claimSession(claim("a")), { outcome: "claimed", as: "holder" });
  });

  test("claimSession() tells the agent's next try that the one before is in doubt", async (store) => {
    const again = { outcome: "claimed", as: "holder", isRetry: true };
    const first = claim("a", { doubtFromMs: T0 + 10 });
    await store.claimSession(first);
    assert.deepEqual(await store.claimSession(claim("a", { nowMs: T0 + 10 })), again);
    await store.releaseClaim("S1", first.token);
    const lost = claim("b", { sessionId: "S2" });
    await store.claimSession(lost);
    await store.doubtClaim({ sessionId: "S2", token: lost.token, nowMs: T0 });
    assert.deepEqual(await store.claimSession(claim("b", { sessionId: "S2" })), again);
    assert.deepEqual(await store.claimSession(claim("c", { sessionId: "S2" })), {
      outcome: "held",
    });
  });

  test("claimSession() treats a claim as gone once its time is over", async (store) => {
    await store.claimSession(claim("a"));
    const later = claim("b", { nowMs: T0 + MINUTE, untilMs: T0 + 2 * MINUTE });
    assert.deepEqual(await store.claimSession(later), { outcome: "claimed", as: "holder" });
  });

  test("claimantOf() names who is accepting a free session, until that is over", async (store) => {
    assert.equal(await store.claimantOf("S1", T0), null);
    const first = claim("a");
    await store.claimSession(first);
    assert.equal(await store.claimantOf("S1", T0), "a");
    await store.doubtClaim({ sessionId: "S1", token: first.token, nowMs: T0 });
    assert.equal(await store.claimantOf("S1", T0), "a");
    await store.releaseClaim("S1", first.token);
    assert.equal(await store.claimantOf("S1", T0), null);
    await store.claimSession(claim("b"));
    assert.equal(await store.claimantOf("S1", T0 + MINUTE), null);
  });

  test("sessionsOf() tells in which of some sessions an agent is", async (store) => {
    await accept(store, "S1", "a");
    await accept(store, "S2", "b");
    await accept(store, "S3", "b");
    const join = { kind: "join", nickname: "Ada" } as const;
    await store.applyEffect({ sessionId: "S3", agentId: "a", nowMs: T0, effect: join }, null, 0);
    const sessionIds = ["S3", "S1", "S2", "S4", "S1"];
    const own = await store.sessionsOf({ agentId: "a", sessionIds, nowMs: T0 });
    assert.deepEqual([...own].sort(), ["S1", "S3"]);
    assert.deepEqual(await store.sessionsOf({ agentId: "a", sessionIds: [], nowMs: T0 }), []);
  });

  test("releaseClaim() frees the session once none of the agent's Accepts is without an answer", async (store) => {
    const first = claim("a");
    const second = claim("a");
    await store.claimSession(first);
    await store.claimSession(second);
    await store.releaseClaim("S1", first.token);
    assert.deepEqual(await store.claimSession(claim("b")), { outcome: "held" });
    await store.releaseClaim("S1", second.token);
    const third = claim("b");
    assert.equal((await store.claimSession(third)).outcome, "claimed");
    await store.claimSession(claim("b"));
    await store.releaseClaim("S1", third.token, { forAll: true });
    assert.equal((await store.claimSession(claim("a"))).outcome, "claimed");
  });

  test("of two agents racing 200 times for one session exactly one wins", async (store) => {
    for (let round = 0; round < 200; round++) {
      const sessionId = `R${round}`;
      const outcomes = await Promise.all(
        ["a", "b"].map((agentId) => store.claimSession(claim(agentId, { sessionId }))),
      );
      assert.deepEqual(outcomes.map(({ outcome }) => outcome).sort(), ["claimed", "held"]);
    }
  });

  test("confirmSession() maps the session and publishes with the new holder", async (store) => {
    const result = await accept(store, "S1", "a", { acceptedUpstreamMs: T0 - 2_000 });
    assert.equal(result.outcome, "confirmed");
    assert.deepEqual(await store.readSession("S1", { nowMs: T0, slide: false }), {
      id: "S1",
      agentId: "a",
      nickname: "Nick of a",
      participants: [],
      state: "accepted",
      acceptedAtMs: T0,
      acceptedUpstreamMs: T0 - 2_000,
      updatedAtMs: T0,
      seatsUntilMs: [],
      sequence: 1,
      customer: null,
    });
    const { items } = await store.listEvents({ limit: 10 });
    assert.deepEqual(
      items.map(({ type, agentId, sequence }) => ({ type, agentId, sequence })),
      [{ type: "session.accepted", agentId: "a", sequence: 1 }],
    );
  });

  test("confirmSession() of an agent that is mapped already publishes nothing", async (store) => {
    await store.claimSession(claim("a"));
    await store.claimSession(claim("a"));
    await accept(store, "S1", "a");
    const { version } = await store.listWebhooks();
    const again = await store.confirmSession(
      {
        sessionId: "S1",
        agentId: "a",
        nickname: "n",
        nowMs: T0,
        acceptedUpstreamMs: T0,
        as: "holder",
      },
      draft(),
      version,
    );
    assert.deepEqual(again, { outcome: "already" });
    assert.equal((await store.listEvents({ limit: 10 })).items.length, 1);
  });

  test("confirmSession() is lost when the claim lapsed and another agent came first", async (store) => {
    await store.claimSession(claim("a"));
    const { version } = await store.listWebhooks();
    const late = {
      sessionId: "S1",
      agentId: "a",
      nickname: "n",
      nowMs: T0 + 2 * MINUTE,
      acceptedUpstreamMs: T0,
      as: "holder" as const,
    };
    await store.claimSession(claim("b", { nowMs: T0 + MINUTE, untilMs: T0 + 3 * MINUTE }));
    assert.deepEqual(await store.confirmSession(late, draft(), version), { outcome: "lost" });
    await accept(store, "S1", "b", { nowMs: T0 + 2 * MINUTE });
    assert.deepEqual(await store.confirmSession(late, draft(), version), { outcome: "lost" });
    assert.equal(
      (await store.readSession("S1", { nowMs: late.nowMs, slide: false }))?.agentId,
      "b",
    );
  });

  test("confirmSession() with an old list of webhooks changes nothing", async (store) => {
    await store.claimSession(claim("a"));
    const { version } = await store.listWebhooks();
    await store.putWebhook({ id: "wh_1", json: "{}" });
    const request = {
      sessionId: "S1",
      agentId: "a",
      nickname: "n",
      nowMs: T0,
      acceptedUpstreamMs: T0,
      as: "holder" as const,
    };
    assert.deepEqual(await store.confirmSession(request, draft(), version), {
      outcome: "stale-webhooks",
    });
    assert.equal(await store.readSession("S1", { nowMs: T0, slide: false }), null);
    assert.deepEqual(await store.claimSession(claim("b")), { outcome: "held" });
  });

  test("claimSession() tells the present holder that the session is its own", async (store) => {
    await accept(store, "S1", "a");
    assert.deepEqual(await store.claimSession(claim("a")), { outcome: "own" });
    assert.deepEqual(await store.claimSession(claim("b")), { outcome: "held" });
  });

  const effect = (agentId: string, kind: "end" | "leave", nowMs = T0) => ({
    sessionId: "S1",
    agentId,
    nowMs,
    effect: { kind },
  });
  const seat = (agentId: string) => ({
    sessionId: "S1",
    agentId,
    nowMs: T0,
    effect: { kind: "open-seat" as const, untilMs: T0 + 5 * MINUTE },
  });

  test("an open seat lets one further agent in, and only one", async (store) => {
    await accept(store, "S1", "a");
    assert.deepEqual(await store.applyEffect(seat("a"), null, 0), {
      outcome: "applied",
      published: null,
    });
    assert.equal((await accept(store, "S1", "b")).outcome, "confirmed");
    assert.deepEqual(await store.claimSession(claim("c")), { outcome: "held" });
    const session = await store.readSession("S1", { nowMs: T0, slide: false });
    assert.equal(session?.agentId, "a");
    assert.deepEqual(session?.participants, [{ agentId: "b", nickname: "Nick of b" }]);
    assert.deepEqual(await store.claimSession(claim("b")), { outcome: "own" });
  });

  test("two agents racing for an open seat: one gets it", async (store) => {
    await accept(store, "S1", "a");
    await store.applyEffect(seat("a"), null, 0);
    const outcomes = await Promise.all(
      ["b", "c"].map((agentId) => store.claimSession(claim(agentId))),
    );
    assert.deepEqual(outcomes.map(({ outcome }) => outcome).sort(), ["claimed", "held"]);
  });

  test("a seat nobody took closes after its time", async (store) => {
    await accept(store, "S1", "a");
    await store.applyEffect(seat("a"), null, 0);
    const late = claim("b", { nowMs: T0 + 5 * MINUTE, untilMs: T0 + 6 * MINUTE });
    assert.deepEqual(await store.claimSession(late), { outcome: "held" });
  });

  test("readSession() and listSessions() tell until when a seat is open, and that it was taken", async (store) => {
    await accept(store, "S1", "a");
    await store.applyEffect(seat("a"), null, 0);
    const seats = async () => {
      const { items } = await store.listSessions({ limit: 9, nowMs: T0 });
      const read = await store.readSession("S1", { nowMs: T0, slide: "a" });
      return [items[0]?.seatsUntilMs, read?.seatsUntilMs];
    };
    assert.deepEqual(await seats(), [[T0 + 5 * MINUTE], [T0 + 5 * MINUTE]]);
    await accept(store, "S1", "b");
    assert.deepEqual(await seats(), [[], []]);
  });

  const decline = (agentId: string, nowMs = T0) => ({
    sessionId: "S1",
    agentId,
    nowMs,
    effect: { kind: "decline" as const },
  });

  test("an invited agent who declines closes the open seat, without an event and once", async (store) => {
    await accept(store, "S1", "a");
    await store.applyEffect(seat("a"), null, 0);
    assert.deepEqual(await store.applyEffect(decline("b", T0 + 1), null, 0), {
      outcome: "applied",
      published: null,
    });
    const session = await store.readSession("S1", { nowMs: T0 + 1, slide: false });
    assert.deepEqual([session?.seatsUntilMs, session?.updatedAtMs], [[], T0 + 1]);
    assert.deepEqual([session?.agentId, session?.participants], ["a", []]);
    assert.deepEqual(await store.claimSession(claim("b")), { outcome: "held" });
    assert.deepEqual(await store.applyEffect(decline("b"), null, 0), { outcome: "nothing" });
  });

  test("declining does nothing for those in the session, without a session or after the seat closed", async (store) => {
    assert.deepEqual(await store.applyEffect(decline("b"), null, 0), { outcome: "nothing" });
    await accept(store, "S1", "a");
    assert.deepEqual(await store.applyEffect(decline("b"), null, 0), { outcome: "nothing" });
    await store.applyEffect(seat("a"), null, 0);
    assert.deepEqual(await store.applyEffect(decline("a"), null, 0), { outcome: "nothing" });
    const late = decline("b", T0 + 5 * MINUTE);
    assert.deepEqual(await store.applyEffect(late, null, 0), { outcome: "nothing" });
    const session = await store.readSession("S1", { nowMs: T0, slide: false });
    assert.deepEqual(session?.seatsUntilMs, [T0 + 5 * MINUTE]);
  });

  test("a participant leaves without an event; the holder stays", async (store) => {
    await accept(store, "S1", "a");
    await store.applyEffect(seat("a"), null, 0);
    await accept(store, "S1", "b");
    const { version } = await store.listWebhooks();
    assert.deepEqual(await store.applyEffect(effect("b", "leave"), draft(), version), {
      outcome: "applied",
      published: null,
    });
    const session = await store.readSession("S1", { nowMs: T0, slide: false });
    assert.deepEqual([session?.agentId, session?.participants], ["a", []]);
  });

  test("when the holder leaves the first participant becomes holder", async (store) => {
    await accept(store, "S1", "a");
    await store.applyEffect(seat("a"), null, 0);
    await accept(store, "S1", "b");
    const { version } = await store.listWebhooks();
    await store.applyEffect(effect("a", "leave"), draft(), version);
    const session = await store.readSession("S1", { nowMs: T0, slide: false });
    assert.deepEqual(
      [session?.agentId, session?.nickname, session?.participants],
      ["b", "Nick of b", []],
    );
    assert.equal((await store.listSessions({ limit: 9, nowMs: T0, agentId: "a" })).items.length, 0);
    assert.equal((await store.listSessions({ limit: 9, nowMs: T0, agentId: "b" })).items.length, 1);
  });

  for (const kind of ["leave", "end"] as const) {
    test(`${kind} of the only agent ends the mapping with an event that names it`, async (store) => {
      await accept(store, "S1", "a");
      const { version } = await store.listWebhooks();
      const released = draft({ type: "session.released" });
      const result = await store.applyEffect(effect("a", kind), released, version);
      assert.deepEqual(result, {
        outcome: "applied",
        published: { id: released.id, accepted: true, sequence: 2, deliveries: 0 },
      });
      assert.equal(await store.readSession("S1", { nowMs: T0, slide: false }), null);
      assert.equal((await store.readEvent(released.id))?.agentId, "a");
      assert.equal((await store.claimSession(claim("b"))).outcome, "claimed");
      assert.deepEqual((await store.listSessions({ limit: 9, nowMs: T0 })).items, []);
    });
  }

  test("join adds a supervisor without a seat and once", async (store) => {
    await accept(store, "S1", "a");
    const { version } = await store.listWebhooks();
    const request = {
      sessionId: "S1",
      agentId: "boss",
      nowMs: T0,
      effect: { kind: "join" as const, nickname: "Boss" },
    };
    assert.equal((await store.applyEffect(request, draft(), version)).outcome, "applied");
    assert.equal((await store.applyEffect(request, draft(), version)).outcome, "nothing");
    const session = await store.readSession("S1", { nowMs: T0, slide: false });
    assert.deepEqual(session?.participants, [{ agentId: "boss", nickname: "Boss" }]);
  });

  test("an effect of an agent outside the session does nothing", async (store) => {
    await accept(store, "S1", "a");
    const { version } = await store.listWebhooks();
    assert.deepEqual(await store.applyEffect(effect("b", "end"), draft(), version), {
      outcome: "nothing",
    });
    assert.equal((await store.readSession("S1", { nowMs: T0, slide: false }))?.agentId, "a");
  });

  test("a mapping lapses after its lifetime, and using it slides that", async (store) => {
    await accept(store, "S1", "a");
    await accept(store, "S2", "a");
    // Who is not in it asks in vain.
    await store.readSession("S1", { nowMs: T0 + DAY / 2, slide: "b" });
    await store.readSession("S2", { nowMs: T0 + DAY / 2, slide: "a" });
    const at = { nowMs: T0 + DAY, slide: false } as const;
    assert.equal(await store.readSession("S1", at), null);
    assert.equal((await store.readSession("S2", at))?.id, "S2");
    assert.equal((await store.claimSession(claim("b", { nowMs: at.nowMs }))).outcome, "claimed");
    const listed = await store.listSessions({ limit: 9, nowMs: at.nowMs, agentId: "a" });
    assert.deepEqual(listed.items.map(({ id }) => id), ["S2"]);
  });

  test("a notification slides the lifetime too", async (store) => {
    await accept(store, "S1", "a");
    await publish(store, [draft()], T0 + DAY / 2);
    assert.notEqual(await store.readSession("S1", { nowMs: T0 + DAY, slide: false }), null);
  });

  test("a session in use keeps its numbering, its customer and what it has seen", async (store) => {
    await accept(store, "S1", "a");
    const customer = { phone: "+15550002", sender: null };
    await store.setCustomer({ sessionId: "S1", customer, nowMs: T0 });
    await publish(store, [draft({ data: messages([1]) })]);
    let nowMs = T0;
    for (let day = 0; day < 9; day++) {
      nowMs += DAY - 1;
      await store.readSession("S1", { nowMs, slide: "a" });
      await claimDeliveries(store, nowMs, { sweep: true });
    }
    const session = await store.readSession("S1", { nowMs, slide: false });
    assert.deepEqual([session?.sequence, session?.customer], [2, customer]);
    const [again] = await publish(store, [draft({ data: messages([1]) })], nowMs);
    assert.equal(again?.accepted, false);
  });

  test("the numbering goes on when a session is mapped anew", async (store) => {
    await accept(store, "S1", "a");
    const { version } = await store.listWebhooks();
    await store.applyEffect(effect("a", "end"), draft(), version);
    await accept(store, "S1", "b");
    assert.equal((await store.readSession("S1", { nowMs: T0, slide: false }))?.sequence, 3);
  });

  test("listSessions() pages by id, of one agent or of all, without claims", async (store) => {
    for (const id of ["S3", "S1", "S5", "S2"]) await accept(store, id, id === "S5" ? "b" : "a");
    await store.claimSession(claim("a", { sessionId: "S4" }));
    const first = await store.listSessions({ limit: 2, nowMs: T0 });
    assert.deepEqual(first.items.map(({ id }) => id), ["S1", "S2"]);
    assert.equal(first.nextCursor, "S2");
    const second = await store.listSessions({ limit: 2, nowMs: T0, cursor: "S2" });
    assert.deepEqual([second.items.map(({ id }) => id), second.nextCursor], [["S3", "S5"], null]);
    const own = await store.listSessions({ limit: 9, nowMs: T0, agentId: "b" });
    assert.deepEqual(own.items.map(({ id }) => id), ["S5"]);
  });

  test("setCustomer() is kept, and userData never replaces it", async (store) => {
    await accept(store, "S1", "a");
    await publish(store, [draft({ observed: { phone: "15550001", sender: "15559" } })]);
    const observed = await store.readSession("S1", { nowMs: T0, slide: false });
    assert.deepEqual(observed?.customer, { phone: "15550001", sender: "15559" });
    const customer = { phone: "+15550002", sender: null };
    const session = await store.setCustomer({ sessionId: "S1", customer, nowMs: T0 });
    assert.deepEqual(session?.customer, customer);
    await publish(store, [draft({ observed: { phone: "15550003" } })]);
    const kept = await store.readSession("S1", { nowMs: T0, slide: false });
    assert.deepEqual(kept?.customer, customer);
  });

  test("setCustomer() of a session that is not mapped is refused", async (store) => {
    const customer = { phone: "+15550002", sender: null };
    assert.equal(await store.setCustomer({ sessionId: "S1", customer, nowMs: T0 }), null);
  });

  test("a notification's state is the session's from then on", async (store) => {
    await accept(store, "S1", "a");
    await publish(store, [draft({ observed: { state: "Chatting" } })], T0 + 5);
    const session = await store.readSession("S1", { nowMs: T0 + 5, slide: false });
    assert.deepEqual([session?.state, session?.updatedAtMs], ["Chatting", T0 + 5]);
  });

  test("a state that another agent heard is not the session's; the customer's number is", async (store) => {
    await accept(store, "S1", "a");
    await accept(store, "S2", "b");
    const heard = (sessionId: string, heardBy: string, state: string, phone: string) =>
      publish(store, [draft({ sessionId, observed: { state, heardBy, phone, sender: "1555" } })]);
    const known = async () => {
      const session = await store.readSession("S1", { nowMs: T0, slide: false });
      return [session?.state, session?.customer];
    };
    await heard("S1", "a", "Chatting", "15550001");
    assert.deepEqual(await known(), ["Chatting", { phone: "15550001", sender: "1555" }]);
    await heard("S1", "b", "Completed", "15550002");
    assert.deepEqual(await known(), ["Chatting", { phone: "15550002", sender: "1555" }]);
    await heard("S1", "a", "Wrapup", "15550002");
    assert.deepEqual((await known())[0], "Wrapup");
  });

  test("firstUnseenMessage() tells each session's lowest gap from 1 on", async (store) => {
    const seen: Record<string, number[]> = {
      all: [1, 2, 3],
      gap: [1, 2, 4, 5],
      late: [5, 6],
      zero: [0, 1],
      // More than a reply's worth, out of order.
      long: Array.from({ length: 700 }, (_, at) => 700 - at),
    };
    for (const [sessionId, indexes] of Object.entries(seen)) {
      await publish(store, [draft({ sessionId, data: messages(indexes) })]);
    }
    assert.deepEqual(
      await store.firstUnseenMessage(["all", "gap", "late", "zero", "long", "none", "all"]),
      [4, 3, 1, 2, 701, 1, 4],
    );
    assert.deepEqual(await store.firstUnseenMessage([]), []);
  });

  test("ids that look like other things stay what they are", async (store) => {
    for (const id of ["007", "true", "null", "1e3", "9007199254740993"]) {
      await accept(store, id, id, { nickname: '🛎️ \u0000 "n" 007' });
      const session = await store.readSession(id, { nowMs: T0, slide: false });
      assert.deepEqual([session?.id, session?.agentId, session?.nickname], [
        id,
        id,
        '🛎️ \u0000 "n" 007',
      ]);
      await publish(store, [draft({ sessionId: id, data: messages([1]) })]);
    }
  });
}
