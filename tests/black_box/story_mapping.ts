import assert from "node:assert/strict";
import {
  accepted,
  acceptInVain,
  agents,
  endings,
  GUEST,
  mapping,
  SHORT_OF_PATIENCE,
  untilNot409,
} from "./mapping_steps.ts";
import { assertProblem } from "./problem.ts";
import { it, type Sentence } from "./sentence.ts";
import { statusZero } from "../support/scripted_upstream.ts";
import { AGENT_SCOPES } from "./world.ts";

/** How a session gets to several agents, and how people take it back. */
export const MAPPING_STORY: readonly Sentence[] = [
  it("two Invites let two agents in, and not a third", async (world) => {
    const session = world.freshSession();
    const [holder, ...guests] = await agents(world, 4);
    await accepted(holder, session);
    for (const operation of ["Invite", "Consult"]) {
      assert.equal((await holder.operate(session, operation, GUEST)).status, 200);
    }
    const answers = await Promise.all(guests.map((guest) => guest.accept(session)));
    const statuses = answers.map(({ status }) => status);
    assert.deepEqual(statuses.toSorted(), [200, 200, 409]);
    const uninvited = guests[statuses.indexOf(409)];
    assert.ok(uninvited);
    assertProblem(await uninvited.accept(session), "session-held");
    assert.equal((await mapping(world, session))?.participants.length, 2);
  }),

  it("an Accept that got no answer, of an agent whom nobody invited, leaves the seat to who was", async (world) => {
    const session = world.freshSession();
    const [holder, guest, stranger] = await agents(world, 3);
    await accepted(holder, session);
    assert.equal((await holder.operate(session, "Invite", GUEST)).status, 200);
    await using instance = await world.anotherPatchbay(SHORT_OF_PATIENCE);
    await acceptInVain(world, instance, stranger, session);
    assert.equal((await untilNot409(() => guest.accept(session))).status, 200);
    const { participants = [] } = await mapping(world, session) ?? {};
    assert.deepEqual(participants, [{ agentId: "agent-2", nickname: "Ada" }]);
  }),

  ...[2, 3].map((statusCode) =>
    it(`a Reject by an agent whom nobody invited, refused with ${statusCode}, leaves the seat to who was`, async (world) => {
      const session = world.freshSession();
      const [holder, guest, stranger] = await agents(world, 3);
      await accepted(holder, session);
      assert.equal((await holder.operate(session, "Invite", GUEST)).status, 200);
      world.upstream.answer(
        session,
        ({ method }) =>
          method === "GET"
            ? Response.json({ statusCode: 0, smssession: { id: session, state: "Completed" } })
            : Response.json({ statusCode, statusMessage: "not yours" }),
      );
      await stranger.operate(session, "Reject");
      world.upstream.answer(session, statusZero);
      await accepted(guest, session);
    })
  ),

  it("a supervisor releases a session that hangs, with an event that says who and why", async (world) => {
    const session = world.freshSession();
    const consumer = await world.consumer({ eventTypes: ["session.*"] });
    const [holder, second] = await agents(world, 2);
    const supervisor = await world.agent("boss", `${AGENT_SCOPES} sms:supervise`);
    await accepted(holder, session);
    assert.equal(
      (await supervisor.send(`/v1/sessions/${session}`, { method: "DELETE" })).status,
      204,
    );
    assert.equal(await mapping(world, session), null);
    assert.equal((await second.accept(session)).status, 200);
    await consumer.received(session, "session.accepted", 3);
    assert.deepEqual(endings(consumer, session), [
      { agentId: "agent-1", reason: "released", by: "boss" },
    ]);
  }),

  it("releasing needs the scope, and a session that somebody has", async (world) => {
    const session = world.freshSession();
    const path = `/v1/sessions/${session}`;
    const [holder] = await agents(world, 1);
    const supervisor = await world.agent("boss", `${AGENT_SCOPES} sms:supervise`);
    assertProblem(await supervisor.send(path, { method: "DELETE" }), "not-found");
    await accepted(holder, session);
    assertProblem(await holder.send(path, { method: "DELETE" }), "insufficient-scope");
    assert.equal((await mapping(world, session))?.agentId, "agent-1");
  }),
];
