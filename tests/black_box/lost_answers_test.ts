import assert from "node:assert/strict";
import { INTERNAL_ERROR, toOperate } from "../../simulator/contact_centre/fault_presets.ts";
import type { Fault } from "../../simulator/kit/faults.ts";
import {
  accepted,
  assertDone,
  blind,
  BY_ITSELF_MS,
  holderOf,
  holderWillBe,
  LATE,
  lose,
  offered,
  tellAll,
  type Telling,
  until,
} from "./lost_answers.ts";
import { assertProblem } from "./problem.ts";
import { readSession } from "./shapes.ts";
import { told } from "./webhook_assertions.ts";

const SUPERVISOR = "sms:operate sms:supervise sessions:read";

/** Ways in which an answer gets lost although the contact centre has acted. */
const LOSSES: readonly (readonly [string, Fault])[] = [
  ["came too late", LATE],
  ["broke off", "cut"],
  ["was a gateway's 502", "html"],
  ["was an internal error", INTERNAL_ERROR],
  ["was a login page's address", { kind: "redirect", location: "/login" }],
  ["was a proxy's 408", { kind: "status", status: 408, body: "Request timeout" }],
  ["was empty", { kind: "status", status: 200, body: "" }],
  ["had a statusCode that nobody knows", { kind: "status", status: 200, body: { statusCode: -1 } }],
];

const SENTENCES: Record<string, Telling> = {
  async "the agent to whom a session went by Invite, Consult or Transfer is let in although the answer came too late"(
    world,
    centre,
  ) {
    for (const operation of ["Invite", "Consult", "Transfer"]) {
      const { session, holder } = await accepted(world, centre);
      const other = await world.agent("agent-2");
      lose(centre, LATE, operation, session);
      const target = { targetUri: `${centre.url}/api/v2/users/agent-2` };
      assertProblem(await holder.operate(session, operation, target), "upstream-timeout");
      assertDone(await other.accept(session), operation);
      assertDone(await other.operate(session, "SendMessage", { text: "Hi" }), operation);
      const wanted = operation === "Transfer" ? "agent-2" : "agent-1";
      assert.equal(await holderWillBe(world, session, wanted), wanted);
    }
  },

  async "so it is when nobody can look what became of it"(world, centre) {
    for (const operation of ["Transfer", "Complete", "Leave"]) {
      const { session, holder } = await accepted(world, centre);
      const other = await world.agent("agent-2");
      blind(centre);
      lose(centre, LATE, operation, session);
      const target = { targetUri: `${centre.url}/api/v2/users/agent-2` };
      assertProblem(await holder.operate(session, operation, target), "upstream-timeout");
      if (operation !== "Transfer") centre.routeSession(session, "agent-2");
      assertDone(await other.accept(session), operation);
      assert.equal(await holderOf(world, session), "agent-2", operation);
      centre.faults.clear();
    }
  },

  async "a Transfer that did not take place lets in nobody whom the contact centre does not"(
    world,
    centre,
  ) {
    const { session, holder } = await accepted(world, centre);
    const other = await world.agent("agent-2");
    centre.faults.next("html", { matching: toOperate("Transfer", session) });
    const target = { targetUri: `${centre.url}/api/v2/users/agent-2` };
    assert.equal((await holder.operate(session, "Transfer", target)).status, 502);
    assert.equal((await other.accept(session)).status, 404);
    assertDone(await holder.operate(session, "SendMessage", { text: "Still here" }));
    assert.equal(await holderOf(world, session), "agent-1");
  },

  async "a session is over although the answer to Complete, Leave or Reject got lost"(
    world,
    centre,
  ) {
    for (const operation of ["Complete", "Leave"]) {
      for (const [loss, fault] of LOSSES) {
        const consumer = await world.consumer({ eventTypes: ["session.released"] });
        const { session, holder } = await accepted(world, centre);
        lose(centre, fault, operation, session);
        await holder.operate(session, operation);
        await consumer.received(session, "session.released", undefined, BY_ITSELF_MS);
        const [event] = told(consumer, session);
        assert.deepEqual(
          [event?.data.operationName, event?.data.agentId],
          [operation, "agent-1"],
          loss,
        );
        assert.equal(await holderOf(world, session), null);
      }
    }
  },

  async "a supervisor whose Intrude was answered too late is in the session"(world, centre) {
    const { session } = await accepted(world, centre);
    const boss = await world.agent("boss", SUPERVISOR);
    lose(centre, LATE, "Intrude", session);
    const path = `/api/v2/users/agent-1/smssessions/${session}`;
    const intrude = { operationName: "Intrude", supervisorVisibilityMode: "Monitor" };
    assertProblem(await boss.post(path, intrude), "upstream-timeout");
    await until("the supervisor is let in", async () => {
      const seen = readSession((await boss.get(`/v1/sessions/${session}`)).json());
      return seen.participants.length === 1;
    });
  },

  async "an Accept whose answer got lost counts as soon as its retry is refused"(world, centre) {
    for (const [loss, fault] of LOSSES) {
      const consumer = await world.consumer({ eventTypes: ["session.accepted"] });
      const session = offered(centre);
      const [agent, other] = [await world.agent("agent-1"), await world.agent("agent-2")];
      lose(centre, fault, "Accept", session);
      assert.doesNotMatch((await agent.accept(session)).text, /"statusCode":0\}/, loss);

      const retry = await agent.accept(session);
      // An inline look may have settled it already; then the retry is the holder's.
      assert.deepEqual(Object(retry.json()).statusCode, 2, loss);
      assert.equal(await holderOf(world, session), "agent-1", loss);
      const customer = { phone: world.freshPhone() };
      assert.equal((await agent.put(`/v1/sessions/${session}/customer`, customer)).status, 200);
      await consumer.received(session, "session.accepted");
      assertDone(await agent.operate(session, "SendMessage", { text: "Hi" }), loss);
      assertProblem(await other.operate(session, "SendMessage", { text: "No" }), NOT_YOURS);
      assert.equal(told(consumer, session).length, 1);
    }
  },

  async "and by itself where nobody retries it"(world, centre) {
    for (const [loss, fault] of LOSSES) {
      const session = offered(centre);
      lose(centre, fault, "Accept", session);
      await (await world.agent("agent-1")).accept(session);
      assert.equal(await holderWillBe(world, session, "agent-1"), "agent-1", loss);
    }
  },

  async "an Accept whose client hung up counts as any other"(world, centre) {
    const session = offered(centre);
    const agent = await world.agent("agent-1");
    const delayed = centre.faults.next({ kind: "delay", ms: 400 }, {
      matching: toOperate("Accept", session),
      when: "after-acting",
    });
    const client = new AbortController();
    const unheard = fetch(`${world.patchbay.url}/api/v2/me/smssessions/${session}`, {
      method: "POST",
      headers: { "authorization": `Bearer ${agent.token}`, "content-type": "application/json" },
      body: JSON.stringify({ operationName: "Accept", nickname: "Ada" }),
      signal: client.signal,
    });
    await delayed.reached;
    client.abort();
    await assert.rejects(unheard);
    await until("the session is mapped", async () => await holderOf(world, session) === "agent-1");
    assert.equal(centre.requests.items.filter(toOperate("Accept", session)).length, 1);
  },

  async "an Accept that the contact centre never got leaves the session to the next agent"(
    world,
    centre,
  ) {
    const session = offered(centre);
    const [agent, other] = [await world.agent("agent-1"), await world.agent("agent-2")];
    centre.faults.next("hang", { matching: toOperate("Accept", session) });
    assertProblem(await agent.accept(session), "upstream-timeout");
    assertProblem(await other.accept(session), "session-held");
    await until("the claim is released", async () => (await other.accept(session)).status === 200);
    assert.equal(await holderOf(world, session), "agent-2");
  },

  async "a session whose Accept is in doubt is closed to others, and a notification ends the doubt"(
    world,
    centre,
  ) {
    const session = offered(centre);
    const [agent, other] = [await world.agent("agent-1"), await world.agent("agent-2")];
    blind(centre);
    lose(centre, LATE, "Accept", session);
    assertProblem(await agent.accept(session), "upstream-timeout");
    const before = centre.requests.items.filter(toOperate(undefined, session)).length;
    assertProblem(await other.operate(session, "SendMessage", { text: "No" }), NOT_YOURS);
    assertProblem(await other.get(`/api/v2/me/smssessions/${session}/messages`), NOT_YOURS);
    assertProblem(await other.accept(session), "session-held");
    assert.equal(centre.requests.items.filter(toOperate(undefined, session)).length, before);
    assert.equal(await holderOf(world, session), null);

    const answer = await world.notify({
      messageType: "SMSsessionStateChangeMessage",
      notificationType: "ParticipantsUpdated",
      smssession: {
        id: session,
        state: "Chatting",
        participants: [{ type: "Agent", nickname: "Ada", path: "/users/agent-1" }],
      },
    });
    assert.equal(answer.status, 202);
    assert.equal(await holderOf(world, session), "agent-1");
    centre.faults.clear();
  },
};

const NOT_YOURS = "not-your-session";

Deno.test("answers of the contact centre that got lost", (t) => tellAll(t, SENTENCES));
