/** What agents hear of their sessions over the simulated contact centre's CometD, with the client of the `cometd` package. */
import assert from "node:assert/strict";
import type { Message } from "cometd";
import { openDesktop, sessionsOf, startDesktop, untilListening } from "./cometd_client.ts";
import { startContactCentre } from "../../../simulator/contact_centre/server.ts";

/** The type of a notification, and the state or the texts that it tells. */
function inShort({ data }: Message): string {
  const what = data.smssession?.state ??
    data.messages?.map((message: { text?: string; type: string }) => message.text ?? message.type);
  return `${data.notificationType} ${what}`;
}

Deno.test("an agent hears on CometD what happens in its session", async () => {
  await using centre = await startContactCentre();
  await using desktop = await openDesktop(centre);
  const { id } = centre.addSession({ customer: { nickname: "PersonP" }, agentId: "agent-1" });
  centre.agentOperates(id, "agent-1", { operationName: "Accept", nickname: "John" });
  centre.customerTexts(id, "Hi");
  centre.agentTexts(id, "agent-1", "Hello");
  await desktop.heard.received(6);
  assert.deepEqual(desktop.heard.items.map(inShort), [
    "StatusChange Invited",
    "StatusChange Chatting",
    "ParticipantsUpdated Chatting",
    "NewMessages ParticipantJoined,ParticipantJoined",
    "NewMessages Hi",
    "NewMessages Hello",
  ]);
  assert.ok(desktop.heard.items.every(({ channel }) => channel === "/v2/me/smssessions"));
});

Deno.test("each agent in a conference hears it, and nobody else does", async () => {
  await using centre = await startContactCentre();
  await using first = await openDesktop(centre, { agentId: "agent-1" });
  await using second = await openDesktop(centre, { agentId: "agent-2" });
  await using third = await openDesktop(centre, { agentId: "agent-3" });
  const { id } = centre.addSession({ customer: { nickname: "PersonP" }, agentId: "agent-1" });
  const accept = { operationName: "Accept", nickname: "X" };
  centre.agentOperates(id, "agent-1", accept);
  centre.agentOperates(id, "agent-1", { operationName: "Invite", targetPath: "/users/agent-2" });
  centre.agentOperates(id, "agent-2", accept);
  centre.customerTexts(id, "Hi, both");
  centre.emit({ notificationType: "End" });
  const last = (message: Message) => message.data.notificationType === "End";
  await Promise.all([first, second, third].map(({ heard }) => heard.waitFor(last)));
  assert.deepEqual(first.heard.items.map(inShort).slice(-2, -1), ["NewMessages Hi, both"]);
  assert.deepEqual(second.heard.items.map(inShort).slice(0, -1), [
    "StatusChange Invited",
    "StatusChange Chatting",
    "ParticipantsUpdated Chatting",
    "NewMessages ParticipantJoined,ParticipantJoined,ParticipantJoined",
    "NewMessages Hi, both",
  ]);
  assert.equal(third.heard.items.length, 1);
});

Deno.test("two desktops of one agent both hear", async () => {
  await using centre = await startContactCentre();
  await using first = await openDesktop(centre);
  await using second = await openDesktop(centre);
  centre.emit({ notificationType: "a" }, "agent-1");
  await Promise.all([first.heard.received(1), second.heard.received(1)]);
});

const SUBSCRIPTIONS: readonly (readonly [string, boolean])[] = [
  ["/v2/me/smssessions", true],
  ["/v2/me/*", true],
  ["/**", true],
  ["/v2/*", false],
  ["/v2/me/chats", false],
];

for (const [channel, hears] of SUBSCRIPTIONS) {
  Deno.test(`a subscription to ${channel} ${hears ? "hears" : "does not hear"} of SMS sessions`, async () => {
    await using centre = await startContactCentre();
    await using desktop = await openDesktop(centre, { subscriptions: [channel, "/end"] });
    centre.emit({ notificationType: "a" }, "agent-1");
    centre.emit({ notificationType: "b" }, "agent-1", { channel: "/end" });
    await desktop.heard.waitFor((message) => message.channel === "/end");
    const told = desktop.heard.items.some(({ data }) => data?.notificationType === "a");
    assert.equal(told, hears);
  });
}

Deno.test("the channel of SMS sessions and the path of CometD can be others", async () => {
  await using centre = await startContactCentre({
    cometd: { channel: "/v2/me/chats", path: "/genesys/cometd" },
  });
  await using desktop = await openDesktop(centre);
  centre.emit({ notificationType: "a" }, "agent-1");
  assert.equal((await desktop.heard.received(1)).channel, "/v2/me/chats");
});

Deno.test("a dropped session costs what it had yet to be told; the client handshakes and hears on", async () => {
  await using centre = await startContactCentre();
  await using desktop = await openDesktop(centre);
  await using other = await openDesktop(centre, { agentId: "agent-2" });
  const before = sessionsOf(centre, "agent-1");
  assert.equal(centre.dropCometdSessions("agent-1"), 1);
  centre.emit({ notificationType: "lost" }, "agent-1");
  await untilListening(centre, { before });
  centre.emit({ notificationType: "heard" });
  await Promise.all([desktop.heard.received(1), other.heard.received(1)]);
  assert.deepEqual(desktop.heard.items.map(({ data }) => data.notificationType), ["heard"]);
  const unknown = desktop.replies.items.filter(({ error }) => error === "402::session_unknown");
  assert.deepEqual(unknown.map(({ advice }) => advice?.reconnect), ["handshake"]);
  assert.equal(centre.counts("agent-1").handshakes, 2);
  assert.equal(centre.counts("agent-2").handshakes, 1);
});

Deno.test("a restart keeps the SMS sessions and the address, and clients come back by themselves", async () => {
  await using centre = await startContactCentre();
  await using desktop = await openDesktop(centre);
  const { url } = centre;
  const { id } = centre.addSession({ customer: { nickname: "PersonP" }, agentId: "agent-1" });
  await desktop.heard.received(1);
  await centre.stop();
  assert.deepEqual(centre.cometd.sessions, []);
  await assert.rejects(fetch(`${url}/api/v2/diagnostics/version`));
  centre.customerTexts(id, "Anybody there?");
  await centre.restart();
  assert.equal(centre.url, url);
  await desktop.replies.waitFor(({ channel, reestablish }) =>
    channel === "/meta/handshake" && reestablish === true
  );
  assert.equal(centre.sessions[0]?.messages.at(-1)?.["text"], "Anybody there?");
});

Deno.test("a restart in the middle of a hundred clients' requests brings each back with one handshake", async () => {
  await using centre = await startContactCentre();
  const agents = Array.from({ length: 100 }, (_, i) => `agent-${i}`);
  await using desktops = new AsyncDisposableStack();
  for (const agentId of agents) desktops.use(startDesktop(centre, { agentId }));
  // Each connect is held then; subscriptions, requests of their own, are still being answered.
  await Promise.all(agents.map((agent) =>
    centre.cometd.happenings.waitFor(
      ({ kind, agentId }) => kind === "held" && agentId === agent,
      { timeoutMs: 10_000 },
    )
  ));
  const before = new Set(centre.cometd.sessions.map(({ clientId }) => clientId));
  await centre.restart();
  await Promise.all(agents.map((agentId) => untilListening(centre, { agentId, before })));
  for (const agentId of agents) assert.ok(centre.counts(agentId).handshakes <= 2);
});

Deno.test("closing in the middle of a restart leaves nothing running", async () => {
  const centre = await startContactCentre();
  const restarting = centre.restart({ downMs: 60_000 });
  await Promise.all([centre.close(), restarting]);
  await assert.rejects(fetch(centre.url));
});

Deno.test("a client that is told not to come back does not", async () => {
  await using centre = await startContactCentre();
  await using desktop = await openDesktop(centre);
  centre.cometd.changeReply("/meta/connect", {
    successful: false,
    error: "403::denied",
    advice: { reconnect: "none" },
  });
  centre.emit({ notificationType: "a" }, "agent-1");
  await desktop.replies.waitFor(({ error }) => error === "403::denied");
  assert.equal(centre.counts().handshakes, 1);
  assert.ok(desktop.client.isDisconnected());
});

Deno.test("a handshake with a wrong password can be denied by CometD itself, which ends it", async () => {
  await using centre = await startContactCentre({
    agents: [{ agentId: "agent-1", password: "right" }],
    cometd: { handshakeRefusal: "bayeux" },
  });
  await using desktop = startDesktop(centre, { password: "wrong" });
  const reply = await desktop.replies.received(1);
  assert.equal(reply.error, "403::handshake_denied");
  assert.equal(reply.advice?.reconnect, "none");
  assert.deepEqual(centre.counts("agent-1"), {
    restCalls: 0,
    handshakes: 1,
    connects: 0,
    subscribes: 0,
    disconnects: 0,
    refused: 1,
  });
  assert.equal(centre.cometd.happenings.items[0]?.kind, "refused");
});

Deno.test("a message on a channel that nobody asked for arrives when it is sent unasked", async () => {
  await using centre = await startContactCentre();
  await using desktop = await openDesktop(centre);
  const strayed = new Promise<Message>((resolve) => {
    desktop.client.addListener("/somewhere/else", resolve);
  });
  centre.emit({ notificationType: "a" }, "agent-1", { channel: "/somewhere/else", unasked: true });
  assert.equal((await strayed).data.notificationType, "a");
});
