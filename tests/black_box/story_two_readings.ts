import assert from "node:assert/strict";
import type { Client } from "./client.ts";
import { assertProblem } from "./problem.ts";
import { it, type Sentence } from "./sentence.ts";
import { assertAccepted } from "./webhook_assertions.ts";
import { ADMIN_SCOPES } from "./world.ts";

/** Bodies by which an agent without `sms:supervise` would have upstream do an Intrude, if it read them so. */
const INTRUDES = [
  '{"operationName":"Intrude","operationName":"SendMessage","text":"x"}',
  '{"operationName":"SendMessage","text":"x","operationName":"Intrude"}',
  '{"operationName":"SendMessage","text":"x","operation\\u004eame":"Intrude"}',
  '{"operationName":"SendMessage","text":"x","OperationName":"Intrude"}',
  '{"operationname":"Intrude","operationName":"SendMessage","text":"x"}',
  '{"operationName":"SendMessage","text":"x","operationName ":"Intrude"}',
  '{"OPERATIONNAME":"Intrude"}',
  '{"operationName":"SendMessage","text":"x","userData":[{"a":{"b":1,"b":2}}]}',
];
const MISSPELT_INTRUDES = [
  "intrude",
  "INTRUDE",
  "Intrude ",
  "\tIntrude",
  "Intrude\\u0000",
  "ıntrude",
];

/** A body is understood by Patchbay as it is by all who read it after Patchbay, or it is refused. */
export const TWO_READINGS_STORY: readonly Sentence[] = [
  it("an Intrude does not pass as another operation by a body that says two things", async (world) => {
    const session = world.freshSession();
    const agent = await world.agent("agent-1");
    await agent.accept(session);
    for (const body of INTRUDES) {
      assertProblem(await agent.send(ownPath(session), { body }), "invalid-body");
    }
    assert.equal(world.upstream.about(session).length, 1);
  }),

  it("an Intrude does not pass as an unknown operation by another case, blanks or a stray character", async (world) => {
    const session = world.freshSession();
    const agent = await world.agent("agent-1");
    await agent.accept(session);
    for (const name of MISSPELT_INTRUDES) {
      const body = `{"operationName":"${name.replace("\t", "\\t")}"}`;
      assertProblem(await agent.send(ownPath(session), { body }), "invalid-parameter");
    }
    assert.equal(world.upstream.about(session).length, 1);
  }),

  it("an accept in another case is an Accept, forwarded as it was spelled", async (world) => {
    const session = world.freshSession();
    const [agent, other] = [await world.agent("agent-1"), await world.agent("agent-2")];
    const body = ' {"operationName":" accept","nickname":"Ada"}\n';
    assert.equal((await agent.send(ownPath(session), { body })).status, 200);
    assert.equal((await world.upstream.asked(session)).text, body);
    assertProblem(await other.accept(session), "session-held");
    assertProblem(
      await other.send(ownPath(session), { body: '{"operationName":"accept"}' }),
      "invalid-parameter",
    );
  }),

  it("an operation that Patchbay does not know is still forwarded for the holder", async (world) => {
    const session = world.freshSession();
    const agent = await world.agent("agent-1");
    await agent.accept(session);
    assert.equal((await agent.operate(session, "Intruder", { x: 1 })).status, 200);
    assert.equal(world.upstream.about(session).length, 2);
  }),

  it("a member that comes twice is refused wherever a JSON body is read", async (world) => {
    const session = world.freshSession();
    const all = await world.agent("agent-1", `sms:operate sessions:write ${ADMIN_SCOPES}`);
    await all.accept(session);
    const url = '"url":"https://example.com/"';
    for (
      const [path, method, body] of [
        ["/api/v2/me", "POST", '{"operationName":"Ready","operationName":"NotReady"}'],
        [
          `/api/v2/users/u-1/smssessions/${session}`,
          "POST",
          '{"operationName":"Intrude","a":1,"a":1}',
        ],
        ["/v1/webhooks", "POST", `{${url},${url}}`],
        ["/v1/webhooks", "POST", `{${url},"headers":{"x-a":"1","x-\\u0061":"2"}}`],
        [
          `/v1/sessions/${session}/customer`,
          "PUT",
          '{"phone":"+16502530000","phone":"+16502530001"}',
        ],
      ] as const
    ) {
      assertProblem(await all.send(path, { method, body }), "invalid-body");
    }
    assert.equal(world.upstream.about(session).length, 1);
  }),

  it("a notification with a member that comes twice is refused whole, and says which", async (world) => {
    const session = world.freshSession();
    const notification = `{"smssession":{"id":"${session}","state":"A","state":"B"}}`;
    const detail = assertProblem(await world.notify(`[${notification}]`), "invalid-body");
    assert.match(detail, /"state" comes again/);
    assert.deepEqual(await eventsOf(world.admin, session), []);
  }),

  it("a notification stays as it was spelled: order, escapes and numbers", async (world) => {
    const session = world.freshSession();
    const consumer = await world.consumer({ eventTypes: ["session.*"] });
    const notification = `{"notificationType":"PropertiesUpdated","10":1,"9":2,"smssession":` +
      `{"id":"${session}","userData":{"2":"\\u00e9","1":1.0,"Zip":12345678901234567890}}}`;
    const spaced = notification.replaceAll('":', '" :\n ');
    assertAccepted(await world.notify(spaced), { accepted: 1, duplicates: 0 });
    const { text } = await consumer.received(session, "session.properties_updated");
    assert.ok(text.includes(`"notification":${notification}}`), text);
    const [event] = await eventsOf(world.admin, session);
    assert.equal(event, text);
    const reordered = `{"9":2,"10":1,${notification.slice(1).replace('"10":1,"9":2,', "")}`;
    assertAccepted(await world.notify(reordered), { accepted: 0, duplicates: 1 });
  }),

  it("messages stay as they were spelled when those that were seen are left out", async (world) => {
    const session = world.freshSession();
    const consumer = await world.consumer({ eventTypes: ["session.*"] });
    const first = '{"index":1,"text":"a"}';
    const second = '{"text":"\\u0062","2":1,"1":2,"index":2.0}';
    const around = (messages: string) =>
      `{"20":0,"messages":[${messages}],"3":0,"notificationType":"NewMessages",` +
      `"smssessionPath":"/smssessions/${session}"}`;
    assertAccepted(await world.notify(around(first)), { accepted: 1, duplicates: 0 });
    assertAccepted(await world.notify(around(`${first},${second}`)), {
      accepted: 1,
      duplicates: 0,
    });
    const { text } = await consumer.received(session, "session.messages_added", 2);
    assert.ok(text.includes(`"notification":${around(second)}}`), text);
  }),
];

function ownPath(sessionId: string): string {
  return `/api/v2/me/smssessions/${sessionId}`;
}

/** The events of a session, each as its text. */
async function eventsOf(admin: Client, sessionId: string): Promise<string[]> {
  const { text } = await admin.get(`/v1/events?session=${sessionId}`);
  const data = /^\{"data":\[(.*)\],"nextCursor":null\}$/.exec(text)?.[1] ?? "";
  return data === "" ? [] : data.split(/,(?=\{"type":)/);
}
