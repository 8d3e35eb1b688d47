import assert from "node:assert/strict";
import {
  accepted,
  acceptInVain,
  agents,
  endings,
  GUEST,
  mapping,
  SHORT_OF_PATIENCE,
} from "./mapping_steps.ts";
import { statusChange } from "./notifications.ts";
import { assertProblem } from "./problem.ts";
import { it, type Sentence } from "./sentence.ts";

const ADA = { nickname: "Ada", participantId: "009052C5E743004C", type: "Agent" };
const CUSTOMER = { nickname: "FirstL", participantId: "009052C5E7430049", type: "Customer" };

/** The contact centre tells over HTTP that a session is over, and does not say for whom. */
export const ENDING_STORY: readonly Sentence[] = [
  ...["Completed", "Revoked", " completed ", "REVOKED"].map((state) =>
    it(`a session that the contact centre calls ${JSON.stringify(state)} is nobody's any more, and that is told once`, async (world) => {
      const session = world.freshSession();
      const consumer = await world.consumer({ eventTypes: ["session.*"] });
      const [holder, second] = await agents(world, 2);
      await accepted(holder, session);
      await world.notify(statusChange(session, "Chatting"));
      const over = statusChange(session, state, { participants: undefined });
      assert.equal((await world.notify(over)).status, 202);
      assert.equal(await mapping(world, session), null);
      await world.notify(over);
      await accepted(second, session);
      // The same once more, late: it is not about the new mapping.
      await world.notify(over);
      assert.equal((await mapping(world, session))?.agentId, "agent-2");
      await consumer.received(session, "session.accepted", 5);
      const reason = state.trim().toLowerCase();
      assert.deepEqual(endings(consumer, session), [{ agentId: "agent-1", reason }]);
    })
  ),

  it("a session that is over for one of several agents goes on for the others", async (world) => {
    const session = world.freshSession();
    const consumer = await world.consumer({ eventTypes: ["session.*"] });
    const [holder, guest] = await agents(world, 2);
    await accepted(holder, session);
    await holder.operate(session, "Invite", GUEST);
    await accepted(guest, session);
    const over = (participants?: unknown) => statusChange(session, "Completed", { participants });
    await world.notify(over());
    await world.notify(over([CUSTOMER, ADA]));
    assert.equal((await mapping(world, session))?.agentId, "agent-1");
    assert.equal((await guest.operate(session, "Leave")).status, 200);
    await world.notify(statusChange(session, "LeftChat", { participants: undefined }));
    await world.notify(over());
    assert.equal((await mapping(world, session))?.agentId, "agent-1");
    await world.notify(over([CUSTOMER]));
    assert.equal(await mapping(world, session), null);
    await consumer.received(session, "session.released");
    assert.deepEqual(endings(consumer, session), [{ agentId: "agent-1", reason: "completed" }]);
  }),

  it("an invited agent's Reject, as the contact centre tells it, takes the session from nobody", async (world) => {
    const session = world.freshSession();
    const [holder, guest] = await agents(world, 2);
    await accepted(holder, session);
    await holder.operate(session, "Invite", GUEST);
    const rejected = statusChange(session, "Completed", { participants: [] });
    await world.notify(rejected);
    assert.equal((await mapping(world, session))?.agentId, "agent-1");
    assert.equal((await guest.operate(session, "Reject")).status, 200);
    await world.notify({ ...rejected, referenceId: 5 });
    assert.equal((await mapping(world, session))?.agentId, "agent-1");
  }),

  it("a Completed that comes after the next agent's Accept does not end that agent's mapping", async (world) => {
    const session = world.freshSession();
    const [first, second] = await agents(world, 2);
    await accepted(first, session);
    assert.equal((await first.operate(session, "Complete", { queueName: "billing" })).status, 200);
    await accepted(second, session);
    await world.notify(statusChange(session, "Completed", { participants: undefined }));
    assert.equal((await mapping(world, session))?.agentId, "agent-2");
    await world.notify(statusChange(session, "Chatting"));
    await world.notify(statusChange(session, "Completed", { participants: undefined }));
    assert.equal(await mapping(world, session), null);
  }),

  it("a session that is over while an agent's Accept is in doubt is free for the next", async (world) => {
    const session = world.freshSession();
    const [first, second] = await agents(world, 2);
    await using instance = await world.anotherPatchbay(SHORT_OF_PATIENCE);
    await acceptInVain(world, instance, first, session);
    assertProblem(await second.accept(session), "session-held");
    await world.notify(statusChange(session, "Revoked"));
    await accepted(second, session);
  }),
];
