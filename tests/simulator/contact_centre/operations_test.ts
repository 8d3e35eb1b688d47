/** What one agent's operations do in the simulated contact centre, and what is told of them. */
import assert from "node:assert/strict";
import {
  ACCEPT,
  inShort,
  inShortByAgent,
  operate,
  request,
  SEED,
  send,
  startWatched,
  SUCCESS,
} from "./client.ts";

Deno.test("Accept tells the state, then the participants, then the history up to the join", async () => {
  await using watched = await startWatched();
  const { centre, told } = watched;
  const { id } = centre.addSession({
    customer: { nickname: "PersonQ" },
    history: [
      { from: "External", text: "an agent will come", nickname: "Bot" },
      { from: "Customer", text: "thanks" },
    ],
  });
  assert.deepEqual(await operate(centre, id, ACCEPT), SUCCESS);
  await centre.idle();
  assert.deepEqual(inShort(told), [
    "StatusChange Chatting",
    "ParticipantsUpdated Chatting",
    "NewMessages",
  ]);
  const [status, participants, history] = told.map(({ body }) => body);
  assert.deepEqual(status?.smssession?.participants, []);
  assert.equal(typeof status?.referenceId, "number");
  assert.ok(status?.smssession?.capabilities?.includes("SendMessage"));
  assert.deepEqual(
    participants?.smssession?.participants?.map(({ nickname }) => nickname),
    ["John Doe", "PersonQ"],
  );
  assert.deepEqual(
    history?.messages?.map(({ index, type }) => `${index} ${type}`),
    ["1 ParticipantJoined", "2 ParticipantJoined", "3 Text", "4 Text", "5 ParticipantJoined"],
  );
  assert.equal(history?.smssessionUri, `${centre.url}/api/v2/smssessions/${id}`);
  assert.equal("smssession" in (history ?? {}), false);
});

Deno.test("Reject tells Completed, without capabilities and participants", async () => {
  await using watched = await startWatched();
  const { centre, id, told } = watched;
  assert.deepEqual(await operate(centre, id, { operationName: "Reject" }), SUCCESS);
  await centre.idle();
  assert.deepEqual(inShort(told), ["StatusChange Completed"]);
  const body = told[0]?.body;
  assert.deepEqual(body?.smssession?.participants, []);
  assert.equal(body?.smssession?.capabilities, undefined);
  assert.equal(typeof body?.referenceId, "number");
});

Deno.test("SendMessage comes back to its author as NewMessages with the next index", async () => {
  await using watched = await startWatched();
  const { centre, clock, id, told } = watched;
  await operate(centre, id, ACCEPT);
  clock.advance(35);
  const body = { operationName: "SendMessage", text: "Hello" };
  assert.deepEqual(await operate(centre, id, body), SUCCESS);
  await centre.idle();
  assert.deepEqual(inShort(told.slice(3)), ["NewMessages"]);
  const [message] = told[3]?.body.messages ?? [];
  assert.deepEqual({ ...message, from: null }, {
    index: 3,
    type: "Text",
    visibility: "All",
    text: "Hello",
    timestamp: "2026-11-22 10:00:00.035+0000",
    timestampSeconds: clock.now(),
    from: null,
  });
  assert.equal(message?.from.type, "Agent");
  assert.equal(message?.from.nickname, "John Doe");
  assert.equal(message?.from.id, message?.from.participantId);
});

Deno.test("Leave tells LeftChat and then Completed", async () => {
  await using watched = await startWatched();
  const { centre, id, told } = watched;
  await operate(centre, id, ACCEPT);
  assert.deepEqual(await operate(centre, id, { operationName: "Leave" }), SUCCESS);
  await centre.idle();
  assert.deepEqual(inShort(told.slice(3)), ["StatusChange LeftChat", "StatusChange Completed"]);
  const [left, completed] = told.slice(3).map(({ body }) => body);
  assert.deepEqual(left?.smssession?.capabilities, ["Transfer", "Complete", "Leave", "InFocus"]);
  assert.equal(left?.smssession?.participants, undefined);
  assert.equal(typeof left?.referenceId, "number");
  assert.equal(completed?.smssession?.capabilities, undefined);
});

Deno.test("Complete tells Completed, without a referenceId", async () => {
  await using watched = await startWatched();
  const { centre, id, told } = watched;
  await operate(centre, id, ACCEPT);
  assert.deepEqual(await operate(centre, id, { operationName: "Complete" }), SUCCESS);
  await centre.idle();
  assert.deepEqual(inShort(told.slice(3)), ["StatusChange Completed"]);
  assert.equal(told[3]?.body.referenceId, undefined);
});

Deno.test("Complete ends the session for every agent in it", async () => {
  await using watched = await startWatched();
  const { centre, id, told } = watched;
  await operate(centre, id, ACCEPT);
  await operate(centre, id, { operationName: "Invite", targetPath: "/users/agent-2" });
  await operate(centre, id, ACCEPT, "agent-2");
  await centre.idle();
  const before = told.length;
  await operate(centre, id, { operationName: "Complete" });
  await centre.idle();
  assert.deepEqual(inShortByAgent(told.slice(before)), [
    "agent-1: StatusChange Completed",
    "agent-2: StatusChange Completed",
  ]);
});

interface Saying {
  readonly body: { readonly operationName: string } & Record<string, unknown>;
  readonly type: string;
  readonly visibility: string;
  readonly content: Record<string, unknown>;
}

const text = { text: "psst" };
const url = { url: "https://example.com/" };
const noticeText = { noticeText: "n" };
const typing = { type: "TypingStarted", content: {} };
const still = { type: "TypingStopped", content: {} };
const SAYINGS: readonly Saying[] = [
  {
    body: { operationName: "SendToAgents", ...text },
    type: "Text",
    visibility: "Agents",
    content: text,
  },
  { body: { operationName: "SendUrl", ...url }, type: "PushUrl", visibility: "All", content: url },
  {
    body: { operationName: "SendCustomNotice", ...noticeText },
    type: "CustomNotice",
    visibility: "All",
    content: noticeText,
  },
  {
    body: { operationName: "SendCustomNoticeToAgents", ...noticeText },
    type: "CustomNotice",
    visibility: "Agents",
    content: noticeText,
  },
  { body: { operationName: "SendStartTypingNotification" }, visibility: "All", ...typing },
  { body: { operationName: "SendStopTypingNotification" }, visibility: "All", ...still },
  {
    body: { operationName: "SendStartTypingToAgentsNotification" },
    visibility: "Agents",
    ...typing,
  },
  { body: { operationName: "SendStopTypingToAgentNotification" }, visibility: "Agents", ...still },
  { body: { operationName: "SendStopTypingToAgentsNotification" }, visibility: "Agents", ...still },
];

for (const { body, type, visibility, content } of SAYINGS) {
  Deno.test(`${body.operationName} is told as ${type} to ${visibility}`, async () => {
    await using watched = await startWatched();
    const { centre, id, told } = watched;
    await operate(centre, id, ACCEPT);
    assert.deepEqual(await operate(centre, id, body), SUCCESS);
    await centre.idle();
    assert.deepEqual(inShort(told.slice(3)), ["NewMessages"]);
    const [message] = told[3]?.body.messages ?? [];
    assert.ok(message);
    const { from: _from, timestamp: _t, timestampSeconds: _s, ...said } = message;
    assert.deepEqual(said, { index: 3, type, visibility, ...content });
  });
}

const DATA_OPERATIONS: readonly (readonly [Record<string, unknown>, Record<string, unknown>])[] = [
  [{ operationName: "AttachUserData", userData: { a: "2", b: null } }, { a: "2", b: null }],
  [{ operationName: "UpdateUserData", userData: { a: "3" } }, { a: "3" }],
  [{ operationName: "DeleteUserData", keys: ["a"] }, {}],
  [{ operationName: "SetDisposition", disposition: "sold" }, { a: "1", DISP_KEY: "sold" }],
  [{ operationName: "SetDisposition", disposition: "sold", dispositionKey: "D" }, {
    a: "1",
    D: "sold",
  }],
];

for (const [body, expected] of DATA_OPERATIONS) {
  Deno.test(`${JSON.stringify(body)} is told as PropertiesUpdated with all of the data`, async () => {
    await using watched = await startWatched();
    const { centre, told } = watched;
    const { id } = centre.addSession({ customer: { nickname: "PersonQ" }, userData: { a: "1" } });
    await operate(centre, id, ACCEPT);
    assert.deepEqual(await operate(centre, id, body), SUCCESS);
    await centre.idle();
    assert.deepEqual(inShort(told.slice(3)), ["PropertiesUpdated Chatting"]);
    const { referenceId, smssession } = told[3]?.body ?? {};
    assert.equal(typeof referenceId, "number");
    assert.deepEqual(smssession?.userData, { MediaType: "smssession", ...expected });
  });
}

Deno.test("the documented Accept answers and notifies value for value, and the talk goes on", async () => {
  await using watched = await startWatched();
  const { centre, told } = watched;
  await centre.playDocumentedAccept(SEED);
  const read = (name: string) => Deno.readTextFile(`${SEED}/${name}`);
  const response = await send(centre, "POST", "/api/v2/me/smssessions/0071023821aec011", {
    body: JSON.parse(await read("accept_request.json")),
  });
  assert.equal(response.status, 200);
  assert.equal(await response.text(), await read("accept_response.json"));
  await centre.idle();
  const expected = await Promise.all([
    read("notification_1_status_change.json"),
    read("notification_2_participants_updated.json"),
    read("notification_3_new_messages.json"),
  ]);
  assert.deepEqual(told.map(({ body }) => body), expected.map((text) => JSON.parse(text)));

  const message = { operationName: "SendMessage", text: "How can I help?" };
  assert.deepEqual(await operate(centre, "0000Na9B26EF002X", message), SUCCESS);
  await centre.idle();
  const next = told[3]?.body;
  assert.equal(next?.messages?.[0]?.index, 7);
  assert.equal(next?.messages?.[0]?.from.participantId, "009052C5EF51004D");
  assert.ok(next?.smssessionUri?.endsWith("/smssessions/0000Na9B26EF002X"));
  const { body } = await request(centre, "GET", "/api/v2/me/smssessions/0000Na9B26EF002X");
  assert.equal(body.smssession?.state, "Chatting");
  assert.equal(body.smssession?.userData?.PhoneNumber, "12025550123");
});
