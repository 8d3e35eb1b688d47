import assert from "node:assert/strict";
import type { ContactCentre } from "../../simulator/contact_centre/contact_centre.ts";
import { toOperate } from "../../simulator/contact_centre/fault_presets.ts";
import {
  accepted,
  assertDone,
  blind,
  holderOf,
  holderWillBe,
  LATE,
  lose,
  offered,
  tellAll,
  type Telling,
  until,
} from "./lost_answers.ts";
import { newMessages } from "./notifications.ts";
import { assertProblem } from "./problem.ts";
import { readSession } from "./shapes.ts";
import { told } from "./webhook_assertions.ts";
import type { World } from "./world.ts";

const ADA = { type: "Agent", nickname: "Ada", path: "/users/agent-1" };
/** All that a first look asks for, so that what is in doubt stays so for a while. */
const FIRST_LOOK = 2;
const SHARED = {
  UPSTREAM_AUTH: "basic",
  UPSTREAM_USERNAME: "patchbay",
  UPSTREAM_PASSWORD: "secret",
};

/** How the contact centre tells that agent-1 is in a session. */
const SHOWN: Readonly<Record<string, (session: string) => unknown>> = {
  participants: (id) => ({
    notificationType: "ParticipantsUpdated",
    smssession: { id, state: "Chatting", participants: [ADA] },
  }),
  "participants otherwise spelled, framed": (id) => ({
    channel: "/v2/me/smssessions",
    data: {
      notificationType: "StatusChange",
      smsession: { id, state: "chatting", participants: [{ type: "agent", nickname: " Ada" }] },
    },
  }),
  "a message": (id) =>
    newMessages(id, { index: 3, type: "ParticipantJoined", from: ADA, visibility: "All" }),
};

const ANYWHERE: Readonly<Record<string, Telling>> = {
  async "a notification that shows the agent in the session counts, also if it comes before the answer is given up"(
    world,
    centre,
  ) {
    const agent = await world.agent("agent-1");
    for (const [by, shown] of Object.entries(SHOWN)) {
      for (const comes of ["before", "after"]) {
        const session = offered(centre);
        blind(centre);
        const late = lose(centre, LATE, "Accept", session);
        const answer = agent.accept(session);
        await late.reached;
        if (comes === "after") assertProblem(await answer, "upstream-timeout");
        assert.equal((await world.notify(shown(session))).status, 202);
        assertProblem(await answer, "upstream-timeout");
        assert.equal(await holderOf(world, session), "agent-1", `${by}, ${comes}`);
        centre.faults.clear();
      }
    }
  },

  async "a retry under another name is the agent's all the same, under the first one"(
    world,
    centre,
  ) {
    const session = offered(centre);
    const agent = await world.agent("agent-1");
    lose(centre, LATE, "Accept", session);
    assertProblem(await agent.accept(session), "upstream-timeout");
    const retry = await agent.operate(session, "Accept", { nickname: "Ada Lovelace" });
    assert.equal(Object(retry.json()).statusCode, 2);
    const answer = await world.admin.get(`/v1/sessions/${session}`);
    assert.equal(readSession(answer.json()).nickname, "Ada");
  },

  async "a retry by way of another instance is resolved there"(world, centre) {
    await using second = await world.anotherPatchbay();
    const session = await acceptInVain(world, centre);
    centre.faults.clear();
    const there = await second.agent("agent-1");
    assert.equal(Object((await there.accept(session)).json()).statusCode, 2);
    assert.equal(await holderOf(world, session), "agent-1");
  },

  async "an Accept in doubt outlives the process, and is resolved by itself by the next one"(
    world,
    centre,
  ) {
    const consumer = await world.consumer({ eventTypes: ["session.accepted"] });
    const session = await acceptInVain(world, centre);
    await startAnew(world, centre);
    await holderWillBe(world, session, "agent-1");
    await consumer.received(session, "session.accepted");
    assert.equal(told(consumer, session).length, 1);
  },

  async "so does one that was under way: it is resolved by the agent's retry"(world, centre) {
    const session = offered(centre);
    const agent = await world.agent("agent-1");
    const lost = lose(centre, "hang", "Accept", session);
    const broken = assert.rejects(agent.accept(session));
    await lost.reached;
    await world.patchbay.kill();
    await broken;
    await startAnew(world, centre);
    await until("the retry is resolved", async () => {
      await agent.accept(session);
      return await holderOf(world, session) === "agent-1";
    });
  },
};

const WITH_OWN_CREDENTIALS: Readonly<Record<string, Telling>> = {
  async "an agent who operates the session has it"(world, centre) {
    const session = offered(centre);
    const agent = await world.agent("agent-1");
    blind(centre);
    lose(centre, LATE, "Accept", session);
    assertProblem(await agent.accept(session), "upstream-timeout");
    assertDone(await agent.operate(session, "SendMessage", { text: "Hi" }));
    assert.equal(await holderOf(world, session), "agent-1");
    centre.faults.clear();
  },

  async "a Complete in doubt outlives the process, and the session is released by the next one"(
    world,
    centre,
  ) {
    const consumer = await world.consumer({ eventTypes: ["session.released"] });
    const { session, holder } = await accepted(world, centre);
    blind(centre, FIRST_LOOK);
    lose(centre, LATE, "Complete", session);
    assertProblem(await holder.operate(session, "Complete"), "upstream-timeout");
    await startAnew(world, centre);
    await until("it is released", async () => await holderOf(world, session) === null);
    await consumer.received(session, "session.released");
    assert.equal(told(consumer, session)[0]?.data.operationName, "Complete");
  },

  async "a session that went back to a queue is nobody's, although the answer got lost"(
    world,
    centre,
  ) {
    for (const operation of ["Transfer", "Complete"]) {
      const { session, holder } = await accepted(world, centre);
      lose(centre, LATE, operation, session);
      await holder.operate(session, operation, { queueName: "billing" });
      await until("it is released", async () => await holderOf(world, session) === null);
    }
  },

  async "an Accept that comes before the answer to the Transfer, Invite or Complete that led to it waits for it"(
    world,
    centre,
  ) {
    const other = await world.agent("agent-2");
    for (const operation of ["Transfer", "Invite", "Complete"]) {
      const { session, holder } = await accepted(world, centre);
      const slow = lose(centre, { kind: "delay", ms: 300 }, operation, session);
      const target = { targetUri: `${centre.url}/api/v2/users/agent-2` };
      const answer = holder.operate(session, operation, operation === "Complete" ? {} : target);
      await slow.reached;
      if (operation === "Complete") centre.routeSession(session, "agent-2");
      assertDone(await other.accept(session), operation);
      assertDone(await answer, operation);
      const wanted = operation === "Invite" ? "agent-1" : "agent-2";
      assert.equal(await holderOf(world, session), wanted);
    }
  },

  async "and where it led to nothing, that Accept is refused as ever"(world, centre) {
    const { session, holder } = await accepted(world, centre);
    const hanging = centre.faults.next({ kind: "status", status: 403, body: { statusCode: 3 } }, {
      matching: toOperate("Transfer", session),
    });
    const answer = holder.operate(session, "Transfer", { queueName: "billing" });
    await hanging.reached;
    assertProblem(await (await world.agent("agent-2")).accept(session), "session-held");
    assert.equal((await answer).status, 403);
  },
};

Deno.test("what is in doubt, where agents go upstream as themselves", (t) =>
  tellAll(t, { ...ANYWHERE, ...WITH_OWN_CREDENTIALS }));

Deno.test("what is in doubt, where all agents go upstream as one", (t) =>
  tellAll(t, ANYWHERE, SHARED));

/** An Accept of agent-1 that was done, and of which Patchbay does not know yet. */
async function acceptInVain(world: World, centre: ContactCentre): Promise<string> {
  const session = offered(centre);
  blind(centre, FIRST_LOOK);
  lose(centre, LATE, "Accept", session);
  assertProblem(await (await world.agent("agent-1")).accept(session), "upstream-timeout");
  return session;
}

/** Patchbay dies and is started again, with a contact centre that answers. */
async function startAnew(world: World, centre: ContactCentre): Promise<void> {
  await world.patchbay.kill();
  centre.faults.clear();
  await world.startAnew();
}
