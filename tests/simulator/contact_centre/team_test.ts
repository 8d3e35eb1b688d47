/** What several agents do in one session of the simulated contact centre: Invite, Consult, Transfer and what each hears. */
import assert from "node:assert/strict";
import {
  ACCEPT,
  inShort,
  inShortByAgent,
  operate,
  request,
  startWatched,
  SUCCESS,
} from "./client.ts";

Deno.test("an invited colleague accepts, hears everything, and both learn of each other", async () => {
  await using watched = await startWatched();
  const { centre, id, told } = watched;
  await operate(centre, id, ACCEPT);
  const targetUri = `${centre.url}/api/v2/users/agent-2`;
  const invited = await operate(centre, id, { operationName: "Invite", targetUri });
  assert.equal(invited.body.statusCode, 0);
  assert.equal(typeof invited.body.referenceId, "number");
  await centre.idle();
  assert.deepEqual(inShortByAgent(told.slice(3)), [
    "agent-2: StatusChange Invited",
    "agent-1: ParticipantsUpdated Chatting",
  ]);
  assert.equal(told[4]?.body.referenceId, invited.body.referenceId);

  await operate(centre, id, { operationName: "Accept", nickname: "Jane" }, "agent-2");
  await centre.idle();
  assert.deepEqual(inShortByAgent(told.slice(5)), [
    "agent-2: StatusChange Chatting",
    "agent-2: ParticipantsUpdated Chatting",
    "agent-2: NewMessages",
    "agent-1: ParticipantsUpdated Chatting",
    "agent-1: NewMessages",
  ]);
  assert.ok(told[5]?.body.smssession?.capabilities?.includes("SendToAgents"));

  await operate(centre, id, { operationName: "Leave" }, "agent-2");
  await centre.idle();
  assert.deepEqual(inShortByAgent(told.slice(10)), [
    "agent-2: StatusChange LeftChat",
    "agent-2: StatusChange Completed",
    "agent-1: ParticipantsUpdated Chatting",
    "agent-1: NewMessages",
  ]);
});

Deno.test("every agent in the session is told what one of them says", async () => {
  await using watched = await startWatched();
  const { centre, id, told } = watched;
  await operate(centre, id, ACCEPT);
  await operate(centre, id, { operationName: "Invite", targetPath: "/users/agent-2" });
  await operate(centre, id, ACCEPT, "agent-2");
  await centre.idle();
  const before = told.length;
  await operate(centre, id, { operationName: "SendMessage", text: "Hi" }, "agent-2");
  await centre.idle();
  assert.deepEqual(inShortByAgent(told.slice(before)), [
    "agent-1: NewMessages",
    "agent-2: NewMessages",
  ]);
});

Deno.test("a consulted colleague's messages go to agents only", async () => {
  await using watched = await startWatched();
  const { centre, id, told } = watched;
  await operate(centre, id, ACCEPT);
  await operate(centre, id, { operationName: "Consult", targetPath: "/users/agent-2" });
  await operate(centre, id, ACCEPT, "agent-2");
  await operate(centre, id, { operationName: "SendMessage", text: "offer 10 %" }, "agent-2");
  await centre.idle();
  assert.equal(told.at(-1)?.body.messages?.[0]?.visibility, "Agents");
});

Deno.test("Invite through a queue lets one further agent accept", async () => {
  await using watched = await startWatched();
  const { centre, id } = watched;
  await operate(centre, id, ACCEPT);
  await operate(centre, id, { operationName: "Invite", targetPath: "/queues/second-level" });
  assert.deepEqual(await operate(centre, id, ACCEPT, "agent-2"), SUCCESS);
  assert.equal((await operate(centre, id, ACCEPT, "agent-3")).body.statusCode, 6);
});

const BAD_TARGETS: readonly (readonly [Record<string, unknown>, number])[] = [
  [{}, 1],
  [{ targetUri: "" }, 10],
  [{ targetUri: "somewhere" }, 10],
  [{ targetUri: 5 }, 10],
];

for (const [target, statusCode] of BAD_TARGETS) {
  Deno.test(`Invite of ${JSON.stringify(target)} is refused with statusCode ${statusCode}`, async () => {
    await using watched = await startWatched();
    const { centre, id } = watched;
    await operate(centre, id, ACCEPT);
    const refused = await operate(centre, id, { operationName: "Invite", ...target });
    assert.equal(refused.body.statusCode, statusCode);
  });
}

Deno.test("Transfer ends the session for its agent and invites the target", async () => {
  await using watched = await startWatched();
  const { centre, id, told } = watched;
  await operate(centre, id, ACCEPT);
  await operate(centre, id, { operationName: "Transfer", targetUri: "/users/agent-2" });
  await centre.idle();
  assert.deepEqual(inShortByAgent(told.slice(3)), [
    "agent-1: StatusChange Completed",
    "agent-2: StatusChange Invited",
  ]);
  assert.deepEqual(await operate(centre, id, ACCEPT, "agent-2"), SUCCESS);
});

Deno.test("Transfer to a queue lets any other agent accept", async () => {
  await using watched = await startWatched();
  const { centre, id } = watched;
  await operate(centre, id, ACCEPT);
  await operate(centre, id, { operationName: "Transfer", queueName: "second-level" });
  assert.deepEqual(await operate(centre, id, ACCEPT, "agent-3"), SUCCESS);
  assert.equal((await operate(centre, id, ACCEPT, "agent-4")).body.statusCode, 6);
});

Deno.test("a session that came back by Transfer can be accepted again", async () => {
  await using watched = await startWatched();
  const { centre, id } = watched;
  await operate(centre, id, ACCEPT);
  await operate(centre, id, { operationName: "Transfer", targetUri: "/users/agent-2" });
  await operate(centre, id, ACCEPT, "agent-2");
  await operate(centre, id, { operationName: "Transfer", targetUri: "/users/agent-1" }, "agent-2");
  assert.deepEqual(await operate(centre, id, ACCEPT), SUCCESS);
});

Deno.test("a consulted colleague to whom the session is transferred speaks to the customer", async () => {
  await using watched = await startWatched();
  const { centre, id, told } = watched;
  await operate(centre, id, ACCEPT);
  await operate(centre, id, { operationName: "Consult", targetPath: "/users/agent-2" });
  await operate(centre, id, ACCEPT, "agent-2");
  await operate(centre, id, { operationName: "Transfer", targetPath: "/users/agent-2" });
  await operate(centre, id, { operationName: "SendMessage", text: "Hello" }, "agent-2");
  await centre.idle();
  assert.equal(told.at(-1)?.body.messages?.[0]?.visibility, "All");
});

Deno.test("a supervisor who intrudes is invited, and coaches unseen by the customer", async () => {
  await using watched = await startWatched();
  const { centre, id, told } = watched;
  await operate(centre, id, ACCEPT);
  const path = `/api/v2/users/agent-1/smssessions/${id}`;
  const body = { operationName: "Intrude", supervisorVisibilityMode: "Coach" };
  assert.deepEqual(await request(centre, "POST", path, { agent: "boss", body }), SUCCESS);
  await centre.idle();
  assert.deepEqual(inShortByAgent(told.slice(3)), ["boss: StatusChange Invited"]);
  await operate(centre, id, { operationName: "Accept", nickname: "Boss" }, "boss");
  await operate(centre, id, { operationName: "SendMessage", text: "slower" }, "boss");
  await centre.idle();
  assert.equal(told.at(-1)?.body.messages?.[0]?.visibility, "Agents");
});

const BAD_INTRUSIONS: readonly (readonly [string, string, Record<string, unknown>, number])[] = [
  ["without a mode, as nothing says which one to use", "agent-1", { operationName: "Intrude" }, 1],
  ["in an unknown mode", "agent-1", {
    operationName: "Intrude",
    supervisorVisibilityMode: "Spy",
  }, 10],
  ["on a user without the session", "agent-9", {
    operationName: "Intrude",
    supervisorVisibilityMode: "Coach",
  }, 6],
  ["by another operation's name", "agent-1", { operationName: "Complete" }, 3],
];

for (const [what, userId, body, statusCode] of BAD_INTRUSIONS) {
  Deno.test(`Intrude ${what} is refused with statusCode ${statusCode}`, async () => {
    await using watched = await startWatched();
    const { centre, id } = watched;
    await operate(centre, id, ACCEPT);
    const path = `/api/v2/users/${userId}/smssessions/${id}`;
    const refused = await request(centre, "POST", path, { agent: "boss", body });
    assert.equal(refused.body.statusCode, statusCode);
  });
}

Deno.test("the customer's texts reach the agent, and after the customer left nothing can be sent", async () => {
  await using watched = await startWatched();
  const { centre, id, told } = watched;
  await operate(centre, id, ACCEPT);
  centre.customerTexts(id, "Hi");
  centre.customerLeaves(id);
  await centre.idle();
  assert.deepEqual(inShort(told.slice(3)), [
    "NewMessages",
    "NewMessages",
    "ParticipantsUpdated Chatting",
  ]);
  assert.equal(told[3]?.body.messages?.[0]?.text, "Hi");
  assert.equal(told[4]?.body.messages?.[0]?.type, "ParticipantLeft");
  const refused = await operate(centre, id, { operationName: "SendMessage", text: "Hello?" });
  assert.equal(refused.body.statusCode, 2);
  assert.deepEqual(await operate(centre, id, { operationName: "Complete" }), SUCCESS);
});

Deno.test("a session offered to one agent is told to that agent, and can be revoked", async () => {
  await using watched = await startWatched();
  const { centre, told } = watched;
  const { id } = centre.addSession({ customer: { nickname: "PersonQ" }, agentId: "agent-1" });
  assert.equal((await operate(centre, id, ACCEPT, "agent-2")).body.statusCode, 6);
  centre.revokeInvitation(id);
  await centre.idle();
  assert.deepEqual(inShort(told), ["StatusChange Invited", "StatusChange Revoked"]);
  assert.equal((await operate(centre, id, ACCEPT)).body.statusCode, 2);
});

Deno.test("one agent's Reject leaves an open session to the others", async () => {
  await using watched = await startWatched();
  const { centre, id } = watched;
  await operate(centre, id, { operationName: "Reject" });
  assert.equal((await operate(centre, id, ACCEPT)).body.statusCode, 2);
  assert.deepEqual(await operate(centre, id, ACCEPT, "agent-2"), SUCCESS);
});
