/** What happens in the simulated contact centre without an agent's request: routing, other desktops, planned failures. */
import assert from "node:assert/strict";
import { openDesktop } from "./cometd_client.ts";
import { INTERNAL_ERROR, toOperate } from "../../../simulator/contact_centre/fault_presets.ts";
import { startContactCentre } from "../../../simulator/contact_centre/server.ts";
import type { ContactCentre } from "../../../simulator/contact_centre/contact_centre.ts";
import { ACCEPT, inShortByAgent, operate, send, startWatched, SUCCESS } from "./client.ts";

/** A contact centre that is controlled over HTTP, and a way to do so. */
async function startControlled() {
  const centre = await startContactCentre({ control: true });
  return { centre, control: controlOf(centre), [Symbol.asyncDispose]: () => centre.close() };
}

function controlOf({ url }: ContactCentre) {
  return async (path: string, body?: object): Promise<{ status: number; body: unknown }> => {
    const response = await fetch(`${url}/control${path}`, {
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  };
}

/** The status of a request with these credentials. */
async function signIn({ url }: ContactCentre, agentId: string, password = "any"): Promise<number> {
  const response = await fetch(`${url}/api/v2/me`, {
    headers: { authorization: `Basic ${btoa(`${agentId}:${password}`)}` },
  });
  await response.body?.cancel();
  return response.status;
}

Deno.test("a session routed to an agent is its alone, and it is told", async () => {
  await using watched = await startWatched();
  const { centre, id, told } = watched;
  centre.routeSession(id, "agent-1");
  await centre.idle();
  assert.deepEqual(inShortByAgent(told), ["agent-1: StatusChange Invited"]);
  assert.equal((await operate(centre, id, ACCEPT, "agent-2")).body.statusCode, 6);
  assert.throws(() => centre.routeSession(id, "agent-1"), /expected an agent who is not in it/);
  assert.deepEqual(await operate(centre, id, ACCEPT), SUCCESS);
});

Deno.test("an agent's texts from another desktop are told like any others", async () => {
  await using watched = await startWatched();
  const { centre, id, told } = watched;
  assert.throws(
    () => centre.agentTexts(id, "agent-1", "Hi"),
    /Cannot text in \w+ for agent-1: Operation SendMessage is not possible in Invited/,
  );
  centre.agentOperates(id, "agent-1", ACCEPT);
  centre.agentTexts(id, "agent-1", "Hi");
  await centre.idle();
  assert.equal(told.at(-1)?.body.messages?.[0]?.text, "Hi");
});

Deno.test("an operation can fail after it was answered: nothing changes and an Error tells", async () => {
  await using watched = await startWatched();
  const { centre, id, told } = watched;
  await operate(centre, id, ACCEPT);
  centre.failNext({ operationName: "SendMessage", agentId: "agent-2" });
  centre.failNext({ operationName: "SendMessage", errorCode: 42, errorMessage: "Not today" });
  await centre.idle();
  const before = told.length;
  const messages = centre.sessions[0]?.messages.length;
  const text = { operationName: "SendMessage", text: "Hi" };
  assert.deepEqual(await operate(centre, id, text), SUCCESS);
  await centre.idle();
  assert.deepEqual(inShortByAgent(told.slice(before)), ["agent-1: Error Chatting"]);
  const { referenceId, errorCode, errorMessage } = told.at(-1)?.body ?? {};
  assert.equal(typeof referenceId, "number");
  assert.deepEqual({ errorCode, errorMessage }, { errorCode: 42, errorMessage: "Not today" });
  assert.equal(centre.sessions[0]?.messages.length, messages);
  await operate(centre, id, text);
  assert.equal(centre.sessions[0]?.messages.length, (messages ?? 0) + 1);
});

Deno.test("what is refused at once uses no planned failure up", async () => {
  await using watched = await startWatched();
  const { centre, id, told } = watched;
  centre.failNext();
  assert.equal((await operate(centre, id, { operationName: "Accept" })).body.statusCode, 1);
  assert.deepEqual(await operate(centre, id, ACCEPT), SUCCESS);
  await centre.idle();
  assert.deepEqual(inShortByAgent(told), ["agent-1: Error Invited"]);
});

Deno.test("an Invite that fails later is answered with the referenceId of its Error", async () => {
  await using watched = await startWatched();
  const { centre, id, told } = watched;
  await operate(centre, id, ACCEPT);
  centre.failNext({ sessionId: id });
  const invite = { operationName: "Invite", targetPath: "/users/agent-2" };
  const { body } = await operate(centre, id, invite);
  await centre.idle();
  assert.equal(told.at(-1)?.body.referenceId, body.referenceId);
  assert.deepEqual(centre.sessions[0]?.agents.map(({ agentId }) => agentId), ["agent-1"]);
});

Deno.test("a 500 after acting has acted, and meets the named operation only", async () => {
  await using watched = await startWatched();
  const { centre, id } = watched;
  centre.faults.next(INTERNAL_ERROR, {
    matching: toOperate("SendMessage", id),
    when: "after-acting",
  });
  assert.deepEqual(await operate(centre, id, ACCEPT), SUCCESS);
  const path = `/api/v2/me/smssessions/${id}`;
  const response = await send(centre, "POST", path, {
    body: { operationName: "SendMessage", text: "Hi" },
  });
  assert.equal(response.status, 500);
  assert.equal((await response.json()).statusCode, 4);
  assert.equal(centre.sessions[0]?.messages.at(-1)?.["text"], "Hi");
});

Deno.test("an invitation that is taken back is told to those who stay, too", async () => {
  await using watched = await startWatched();
  const { centre, id, told } = watched;
  await operate(centre, id, ACCEPT);
  await operate(centre, id, { operationName: "Invite", targetPath: "/users/agent-2" });
  await centre.idle();
  const before = told.length;
  centre.revokeInvitation(id, "agent-2");
  await centre.idle();
  assert.deepEqual(inShortByAgent(told.slice(before)), [
    "agent-2: StatusChange Revoked",
    "agent-1: ParticipantsUpdated Chatting",
  ]);
});

Deno.test("without the option there is no control over HTTP", async () => {
  await using centre = await startContactCentre();
  assert.equal((await controlOf(centre)("")).status, 404);
});

Deno.test("a conversation can be played over HTTP", async () => {
  await using controlled = await startControlled();
  const { centre, control } = controlled;
  await using desktop = await openDesktop(centre);
  await control("/sessions", { id: "S1", phone: "+12025550123", agentId: "agent-1" });
  await control("/sessions/S1/operate", { agentId: "agent-1", ...ACCEPT });
  await control("/sessions/S1/customer-texts", { text: "Hi" });
  await control("/sessions/S1/user-data", { userData: { vip: "yes" } });
  await control("/sessions/S1/customer-leaves", {});
  await control("/notifications", {
    notification: { notificationType: "End" },
    agentId: "agent-1",
  });
  await desktop.heard.waitFor(({ data }) => data.notificationType === "End");
  assert.deepEqual(desktop.heard.items.map(({ data }) => data.notificationType), [
    "StatusChange",
    "StatusChange",
    "ParticipantsUpdated",
    "NewMessages",
    "NewMessages",
    "PropertiesUpdated",
    "NewMessages",
    "ParticipantsUpdated",
    "End",
  ]);
  const { id, customerPresent, userData } = centre.sessions[0] ?? {};
  assert.equal(id, "S1");
  assert.equal(customerPresent, false);
  assert.equal(userData?.["PhoneNumber"], "12025550123");
  // The desktop goes on connecting meanwhile: of somebody else the counts stand still.
  assert.deepEqual((await control("?agentId=agent-2")).body, {
    url: centre.url,
    counts: centre.counts("agent-2"),
    cometdSessions: centre.cometd.sessions,
    sessions: JSON.parse(JSON.stringify(centre.sessions)),
  });
});

Deno.test("sessions are routed and taken back over HTTP", async () => {
  await using controlled = await startControlled();
  const { centre, control } = controlled;
  await control("/sessions", { id: "S1" });
  await control("/sessions/S1/route", { agentId: "agent-1" });
  assert.equal(centre.sessions[0]?.agents[0]?.state, "Invited");
  await control("/sessions/S1/revoke", {});
  assert.equal(centre.sessions[0]?.agents[0]?.state, "Revoked");
});

Deno.test("agents are added and their HTTP sessions dropped over HTTP", async () => {
  await using controlled = await startControlled();
  const { centre, control } = controlled;
  await control("/agents", { agentId: "agent-1", password: "s3cret" });
  const status = (password: string) => signIn(centre, "agent-1", password);
  assert.deepEqual([await status("guess"), await status("s3cret")], [401, 200]);
  assert.deepEqual((await control("/http-sessions/drop", {})).body, { done: 1 });
});

Deno.test("CometD sessions are dropped and replies changed over HTTP", async () => {
  await using controlled = await startControlled();
  const { centre, control } = controlled;
  await using desktop = await openDesktop(centre);
  await control("/cometd/reply", {
    channel: "/meta/handshake",
    changes: { successful: false, error: "403::denied", advice: { reconnect: "none" } },
  });
  assert.deepEqual((await control("/cometd/drop", { agentId: "agent-1" })).body, { done: 1 });
  await desktop.replies.waitFor(({ error }) => error === "403::denied");
});

Deno.test("CometD sessions are ended as the server does by itself: the held connect brings a farewell", async () => {
  await using controlled = await startControlled();
  const { centre, control } = controlled;
  await using desktop = await openDesktop(centre);
  const advice = { reconnect: "none" };
  await centre.cometd.happenings.waitFor(({ kind }) => kind === "held");
  assert.deepEqual((await control("/cometd/end", { agentId: "agent-1", advice })).body, {
    done: 1,
  });
  await desktop.replies.waitFor(({ channel }) => channel === "/meta/disconnect");
  assert.equal(centre.counts().handshakes, 1);
  assert.equal(centre.cometd.sessions.length, 0);
});

Deno.test("a planned reply can be played several times", async () => {
  await using controlled = await startControlled();
  const { centre, control } = controlled;
  await control("/cometd/reply", {
    channel: "/meta/handshake",
    changes: { successful: false, error: "500::busy" },
    times: 2,
  });
  await using desktop = await openDesktop(centre);
  assert.equal(desktop.replies.items.filter(({ error }) => error === "500::busy").length, 2);
  assert.equal(
    (await control("/cometd/reply", { channel: "/x", changes: {}, times: 0 })).status,
    400,
  );
});

Deno.test("credentials are denied for a while, one agent's or everybody's", async () => {
  await using controlled = await startControlled();
  const { centre, control } = controlled;
  const status = (agentId: string) => signIn(centre, agentId);
  await control("/agents/deny", { agentId: "agent-1", forMs: 60_000 });
  assert.deepEqual([await status("agent-1"), await status("agent-2")], [401, 200]);
  await control("/agents/deny", { forMs: 60_000 });
  assert.deepEqual([await status("agent-1"), await status("agent-2")], [401, 401]);
  await control("/agents/deny", { agentId: "agent-1", forMs: 0 });
  await control("/agents/deny", { forMs: 0 });
  assert.deepEqual([await status("agent-1"), await status("agent-2")], [200, 200]);
});

Deno.test("failures and faults are planned over HTTP", async () => {
  await using controlled = await startControlled();
  const { centre, control } = controlled;
  const { id } = centre.addSession({ customer: { nickname: "PersonP" } });
  await control("/failures", { operationName: "Accept" });
  await control("/faults", {
    fault: "internal-error",
    when: "after-acting",
    matching: { method: "post", path: "/me/", operationName: "Accept", agentId: "agent-1" },
    times: 2,
  });
  const path = `/api/v2/me/smssessions/${id}`;
  const statuses: number[] = [];
  for (const agent of ["agent-2", "agent-1", "agent-1", "agent-1"]) {
    const response = await send(centre, "POST", path, { agent, body: ACCEPT });
    await response.body?.cancel();
    statuses.push(response.status);
  }
  assert.deepEqual(statuses, [200, 500, 500, 400]);
  await control("/faults", { fault: { kind: "status", status: 503 } });
  const response = await fetch(`${centre.url}/control/faults`, { method: "DELETE" });
  assert.deepEqual(await response.json(), { done: true });
  assert.equal(await send(centre, "GET", "/api/v2/me").then(statusOf), 200);
});

async function statusOf(response: Response): Promise<number> {
  await response.body?.cancel();
  return response.status;
}

Deno.test("a restart is asked for over HTTP, and answered before it begins", async () => {
  await using controlled = await startControlled();
  const { centre, control } = controlled;
  await using desktop = await openDesktop(centre);
  assert.deepEqual(await control("/restart", { downMs: 1 }), { status: 200, body: { done: true } });
  await desktop.replies.waitFor(({ reestablish }) => reestablish === true);
});

const MISTAKES: readonly (readonly [string, object, RegExp])[] = [
  [
    "/sessions/S9/customer-texts",
    { text: "Hi" },
    /Cannot use session S9: expected one that was added/,
  ],
  ["/sessions/S9/customer-texts", {}, /Cannot use text: /],
  ["/restart", { downMs: -1 }, /Cannot use downMs: /],
  ["/faults", { fault: "no-such" }, /Cannot use fault: expected hang, reset/],
  ["/notifications", { notification: {}, channel: "x" }, /Cannot use channel: expected a channel/],
  ["/notifications/lose", { times: 0 }, /Cannot use times: /],
  ["/agents", [], /Cannot use /],
];

for (const [path, body, error] of MISTAKES) {
  Deno.test(`${path} with ${JSON.stringify(body)} is 400 and says why`, async () => {
    await using controlled = await startControlled();
    const answer = await controlled.control(path, body);
    assert.equal(answer.status, 400);
    assert.match(JSON.stringify(answer.body), error);
  });
}

Deno.test("requests to control are neither recorded nor counted nor met by faults", async () => {
  await using controlled = await startControlled();
  const { centre, control } = controlled;
  centre.faults.next("reset");
  assert.equal((await control("")).status, 200);
  assert.equal(centre.requests.items.length, 0);
  assert.equal(centre.counts().restCalls, 0);
});
