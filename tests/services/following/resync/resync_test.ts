import assert from "node:assert/strict";
import { membersTold } from "../../../../services/contact_centre/dialect/session_members.ts";
import type { MappingEnd } from "../../../../services/following/resync/end_mapping.ts";
import { createKnownSessions } from "../../../../services/following/resync/known_sessions.ts";
import { resync, type ResyncOutcome } from "../../../../services/following/resync/resync.ts";
import type { EventRecord } from "../../../../services/store/port/events.ts";
import type { SessionRecord } from "../../../../services/store/port/sessions.ts";
import { spelledValue } from "../../../support/spelled.ts";
import { createVirtualClock } from "../../../support/virtual_clock.ts";

interface Scene {
  /** What upstream answers, by path; anything else is 404 with `statusCode` 6. */
  readonly upstream: Readonly<Record<string, unknown>>;
  /** States of the sessions that are mapped to the agent. */
  readonly mapped?: Readonly<Record<string, string>>;
  /** States that the connection has heard of. */
  readonly known?: Readonly<Record<string, string>>;
  /** Notifications that the connection has heard. */
  readonly heard?: readonly Told[];
  /** Notifications that became events; null: one that was expunged. */
  readonly kept?: readonly (Told | null)[];
  readonly held?: readonly unknown[];
  readonly firstUnseen?: number;
  readonly isShared?: boolean;
}

type Told = ReturnType<typeof statusChange>;

interface Seen {
  readonly outcome: ResyncOutcome;
  // deno-lint-ignore no-explicit-any -- what was written down, to be compared
  readonly inserted: readonly any[];
  readonly insertedTexts: readonly string[];
  readonly ended: readonly MappingEnd[];
  readonly asked: readonly string[];
}

const LIST = "/me/smssessions?fields=*";

async function play(scene: Scene): Promise<Seen> {
  const clock = createVirtualClock();
  const known = createKnownSessions(clock);
  for (const [id, state] of Object.entries(scene.known ?? {})) known.note(id, state, "told");
  for (const notification of scene.heard ?? []) {
    known.members.note(notification.smssession.id, membersTold(spelledValue(notification)));
  }
  const kept = (scene.kept ?? []).map((notification, at): EventRecord => ({
    id: `evt_${at}`,
    type: notification === null
      ? "session.properties_updated"
      : TYPES[notification.notificationType],
    sessionId: notification?.smssession.id ?? "s-1",
    sequence: at + 1,
    agentId: "agent-1",
    occurredAtMs: 0,
    dataJson: JSON.stringify(notification === null ? { expunged: true } : { notification }),
  }));
  const mapped = Object.entries(scene.mapped ?? {}).map(([id, state]): SessionRecord => ({
    id,
    agentId: "agent-1",
    nickname: "Ada",
    participants: [],
    state,
    acceptedAtMs: 0,
    acceptedUpstreamMs: 0,
    updatedAtMs: 0,
    seatsUntilMs: [],
    sequence: 1,
    customer: null,
  }));
  const inserted: unknown[] = [];
  const insertedTexts: string[] = [];
  const ended: MappingEnd[] = [];
  const asked: string[] = [];
  const outcome = await resync({
    store: {
      listSessions: () => Promise.resolve({ items: mapped, nextCursor: null }),
      readSession: (id) => Promise.resolve(mapped.find((session) => session.id === id) ?? null),
      firstUnseenMessage: (ids) => Promise.resolve(ids.map(() => scene.firstUnseen ?? 1)),
      listEvents({ sessionId, type }) {
        const items = kept.filter((event) => event.sessionId === sessionId && event.type === type);
        return Promise.resolve({ items, nextCursor: null });
      },
    },
    endMapping(end) {
      ended.push(end);
      return Promise.resolve(true);
    },
    known,
    clock,
    ask(path, search = "") {
      asked.push(path + search);
      const answer = scene.upstream[path + search] ?? { statusCode: 6 };
      const [status, body] = Array.isArray(answer) && typeof answer[0] === "number"
        ? [answer[0], answer[1]]
        : [200, answer];
      return Promise.resolve({
        status,
        headers: new Headers(),
        body: new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body)),
        dateMs: null,
      });
    },
    insert(dataText) {
      inserted.push(JSON.parse(dataText));
      insertedTexts.push(dataText);
      return Promise.resolve();
    },
    held: () => (scene.held ?? []).map((data) => JSON.stringify(data)),
    agentId: scene.isShared === true ? null : "agent-1",
  });
  return { outcome, inserted, insertedTexts, ended, asked };
}

const session = (id: string, state = "Chatting", members: object = {}) => ({
  id,
  state,
  path: `/smssessions/${id}`,
  ...members,
});
const text = (index: number) => ({ index, type: "Text", text: `text ${index}` });
const TYPES = {
  StatusChange: "session.status_changed",
  ParticipantsUpdated: "session.participants_updated",
  PropertiesUpdated: "session.properties_updated",
} as const;
const notification = (
  notificationType: keyof typeof TYPES,
  smssession: ReturnType<typeof session>,
) => ({
  messageType: "SMSsessionStateChangeMessage",
  notificationType,
  smssession,
});
const statusChange = (smssession: ReturnType<typeof session>) =>
  notification("StatusChange", smssession);

Deno.test("what upstream answers is told as it was spelled, and what can be read in two ways is not", async () => {
  const resource = `{"10":1,"9":[1.0],"id":"s-1","state":"Chatting","x":"\\u00e9"}`;
  const message = `{"2":"b","1":"a","index":1.0}`;
  const twice = `{"id":"s-2","state":"Chatting","state":"Completed"}`;
  const { insertedTexts, outcome } = await play({
    upstream: {
      [LIST]: `{"statusCode":0, "smssessions":[ ${resource} , ${twice}]}`,
      "/me/smssessions/s-1/messages?startIndex=1":
        `{"statusCode":0,"messages":[${message},{"index":2,"text":"a","text":"b"}]}`,
    },
    mapped: { "s-1": "accepted", "s-2": "Chatting" },
  });
  assert.deepEqual(insertedTexts, [
    `{"messageType":"MessageLogUpdated","notificationType":"NewMessages","messages":[${message}],` +
    `"smssessionPath":"/smssessions/s-1"}`,
    `{"messageType":"SMSsessionStateChangeMessage","notificationType":"StatusChange",` +
    `"smssession":${resource}}`,
  ]);
  // What was not understood is not gone: nobody is put out of s-2.
  assert.deepEqual(outcome, { ok: true, departed: 0 });
});

Deno.test("messages are asked for from the first that was not seen, and told by index in upstream's own shape", async () => {
  const { inserted, outcome } = await play({
    upstream: {
      [LIST]: { statusCode: 0, smssessions: [session("s-1")] },
      "/me/smssessions/s-1/messages?startIndex=3": {
        statusCode: 0,
        messages: [text(5), text(3), "no message", text(2)],
      },
    },
    mapped: { "s-1": "Chatting" },
    firstUnseen: 3,
  });
  assert.deepEqual(inserted, [{
    messageType: "MessageLogUpdated",
    notificationType: "NewMessages",
    messages: [text(3), text(5)],
    smssessionPath: "/smssessions/s-1",
  }]);
  assert.deepEqual(outcome, { ok: true, departed: 0 });
});

for (
  const [shape, list] of [
    ["in an envelope", { statusCode: 0, smssessions: [session("s-1")] }],
    ["under the other spelling", { statusCode: 0, smsessions: [session("s-1")] }],
    ["as a bare array", [session("s-1")]],
    ["as one bare resource", session("s-1")],
    ["as one in an envelope", { statusCode: 0, smssession: session("s-1") }],
  ] as const
) {
  Deno.test(`sessions are read ${shape}`, async () => {
    const { asked, ended } = await play({
      upstream: { [LIST]: list, "/me/smssessions/s-1/messages?startIndex=1": { messages: [] } },
      mapped: { "s-1": "Chatting" },
    });
    assert.deepEqual(asked, [LIST, "/me/smssessions/s-1/messages?startIndex=1"]);
    assert.deepEqual(ended, []);
  });
}

Deno.test("numbers that JavaScript cannot hold come through as they are", async () => {
  const { inserted } = await play({
    upstream: {
      [LIST]: '{"statusCode":0,"smssessions":[{"id":"s-1","state":"Invited","big":1.50}]}',
    },
  });
  assert.equal(inserted[0].smssession.big, 1.5);
});

Deno.test("an agent who is merely invited is told of that, and not of what is said", async () => {
  const invited = session("s-1", "Invited");
  const { asked, inserted } = await play({ upstream: { [LIST]: [invited] } });
  assert.deepEqual(asked, [LIST]);
  assert.deepEqual(inserted, [statusChange(invited)]);
});

for (
  const [why, scene] of [
    ["the mapping has it", { mapped: { "s-1": "Chatting" } }],
    ["it was heard", { known: { "s-1": "Chatting" } }],
    ["it is about to be told", {
      mapped: { "s-1": "accepted" },
      held: [statusChange(session("s-1"))],
    }],
  ] as const
) {
  Deno.test(`a state is not told again when ${why}`, async () => {
    const { inserted } = await play({ upstream: { [LIST]: [session("s-1")] }, ...scene });
    assert.deepEqual(inserted, []);
  });
}

Deno.test("a state that changed unheard is told, after the messages", async () => {
  const left = session("s-1", "LeftChat");
  const { inserted } = await play({
    upstream: {
      [LIST]: [left],
      "/me/smssessions/s-1/messages?startIndex=1": { messages: [text(1)] },
    },
    mapped: { "s-1": "Chatting" },
    known: { "s-1": "Chatting" },
  });
  assert.deepEqual(inserted.map(({ notificationType }) => notificationType), [
    "NewMessages",
    "StatusChange",
  ]);
});

Deno.test("a finished session that nobody here was in is no news, though upstream lists it", async () => {
  const { inserted } = await play({ upstream: { [LIST]: [session("s-1", "Completed")] } });
  assert.deepEqual(inserted, []);
});

Deno.test("a mapping that upstream neither lists nor knows is released", async () => {
  const { ended, outcome } = await play({
    upstream: { [LIST]: { statusCode: 0, smssessions: [] } },
    mapped: { "s-1": "Chatting" },
    known: { "s-2": "Chatting" },
  });
  assert.deepEqual(ended.map(({ sessionId, reason }) => [sessionId, reason]), [
    ["s-1", "gone-upstream"],
    ["s-2", "gone-upstream"],
  ]);
  assert.deepEqual(outcome, { ok: true, departed: 2 });
});

Deno.test("a session that ended unheard is told with its last word, which releases it", async () => {
  const over = session("s-1", "Completed");
  const { ended, inserted } = await play({
    upstream: { [LIST]: [], "/me/smssessions/s-1": { statusCode: 0, smssession: over } },
    mapped: { "s-1": "Chatting" },
  });
  assert.deepEqual(inserted, [statusChange(over)]);
  assert.deepEqual(ended, []);
});

for (
  const [why, scene] of [
    ["it answers by itself", { upstream: { [LIST]: [], "/me/smssessions/s-1": session("s-1") } }],
    ["asking for it fails", { upstream: { [LIST]: [], "/me/smssessions/s-1": [500, ""] } }],
    ["the list could not be read to the end", { upstream: { [LIST]: [{ state: "Chatting" }] } }],
    ["the list says nothing at all", { upstream: { [LIST]: { statusCode: 0 } } }],
    ["its end is about to be told", {
      upstream: { [LIST]: [] },
      held: [statusChange(session("s-1", "Completed"))],
    }],
    ["the connection is everybody's", { upstream: { [LIST]: [] }, isShared: true }],
  ] as const
) {
  Deno.test(`a mapping that is not listed stays when ${why}`, async () => {
    const { ended, inserted } = await play({ mapped: { "s-1": "Chatting" }, ...scene });
    assert.deepEqual([ended, inserted], [[], []]);
  });
}

for (
  const [what, answer, passing] of [
    ["HTTP 503", [503, "busy"], true],
    ["HTTP 429", [429, ""], true],
    ["statusCode 4", [500, { statusCode: 4 }], true],
    ["HTTP 403", [403, { statusCode: 5 }], false],
    ["HTTP 302", [302, ""], false],
    ["something else than JSON", [200, "<html>"], false],
  ] as const
) {
  Deno.test(`a list that is answered with ${what} ${passing ? "may come later" : "will not come"}`, async () => {
    const { outcome, ended } = await play({
      upstream: { [LIST]: answer },
      mapped: { "s-1": "Chatting" },
    });
    assert.equal(outcome.ok, false);
    assert.equal(!outcome.ok && outcome.passing, passing);
    assert.deepEqual(ended, []);
  });
}

Deno.test("a log that fails for the moment makes the resync fail, one that is refused only leaves it out", async () => {
  const sessions = { [LIST]: [session("s-1"), session("s-2")] };
  const s2 = { "/me/smssessions/s-2/messages?startIndex=1": { messages: [text(1)] } };
  const s1 = (answer: unknown) => ({ "/me/smssessions/s-1/messages?startIndex=1": answer });
  const states = { known: { "s-1": "Chatting", "s-2": "Chatting" } };

  const failing = await play({ upstream: { ...sessions, ...s2, ...s1([503, ""]) }, ...states });
  assert.equal(failing.outcome.ok, false);
  const refused = await play({ upstream: { ...sessions, ...s2, ...s1([403, ""]) }, ...states });
  assert.equal(refused.outcome.ok, true);
  assert.equal(refused.inserted.length, 1);
});

Deno.test("many messages are told a hundred at a time", async () => {
  const messages = Array.from({ length: 250 }, (_, at) => text(at + 1));
  const { inserted } = await play({
    upstream: { [LIST]: [session("s-1")], "/me/smssessions/s-1/messages?startIndex=1": messages },
    known: { "s-1": "Chatting" },
  });
  assert.deepEqual(inserted.map(({ messages }) => messages.length), [100, 100, 50]);
});

Deno.test("a session that the list has only an address of is asked for by itself", async () => {
  const left = session("s-1", "LeftChat");
  const { asked, inserted } = await play({
    upstream: {
      [LIST]: { statusCode: 0, uris: ["http://host/api/v2/smssessions/s-1"] },
      "/me/smssessions/s-1": { statusCode: 0, smssession: left },
    },
    mapped: { "s-1": "Chatting" },
  });
  assert.deepEqual(asked, [
    LIST,
    "/me/smssessions/s-1",
    "/me/smssessions/s-1/messages?startIndex=1",
  ]);
  assert.deepEqual(inserted, [statusChange(left)]);
});

Deno.test("a session that a short list leaves out is caught up like those that are in it", async () => {
  const s1 = session("s-1", "Chatting", { userData: { a: "1" } });
  const { inserted, ended } = await play({
    upstream: {
      [LIST]: { statusCode: 0, smssessions: [], totalCount: 1 },
      "/me/smssessions/s-1": s1,
      "/me/smssessions/s-1/messages?startIndex=1": { messages: [text(1)] },
    },
    mapped: { "s-1": "Chatting" },
  });
  assert.deepEqual(inserted.map(({ notificationType }) => notificationType), [
    "PropertiesUpdated",
    "NewMessages",
  ]);
  assert.deepEqual(ended, []);
});

const ADA = { type: "Agent", nickname: "Ada", participantId: "0A", uri: "http://one/users/ada" };
const BOB = { type: "Agent", nickname: "Bob", participantId: "0B" };
const chatting = (members: object) => session("s-1", "Chatting", members);
const CHATTING = { mapped: { "s-1": "Chatting" }, known: { "s-1": "Chatting" } } as const;
const listing = (members: object) => ({ upstream: { [LIST]: [chatting(members)] } });

for (
  const [what, scene, news] of [
    ["data that was attached", {
      ...listing({ userData: { a: "1" } }),
      heard: [notification("PropertiesUpdated", chatting({ userData: {} }))],
    }, ["PropertiesUpdated"]],
    ["data that is all gone", {
      ...listing({ userData: {} }),
      heard: [notification("PropertiesUpdated", chatting({ userData: { a: "1" } }))],
    }, ["PropertiesUpdated"]],
    ["data in another order", {
      ...listing({ userData: { a: "1", b: { c: 1, d: 2 } } }),
      heard: [statusChange(chatting({ userData: { b: { d: 2, c: 1 }, a: "1" } }))],
    }, []],
    ["data of which the list says nothing", {
      ...listing({}),
      heard: [notification("PropertiesUpdated", chatting({ userData: { a: "1" } }))],
    }, []],
    ["participants in another order, told by another server", {
      ...listing({ participants: [BOB, { ...ADA, uri: "http://two/users/ada" }] }),
      heard: [notification("ParticipantsUpdated", chatting({ participants: [ADA, BOB] }))],
    }, []],
    ["a participant who left", {
      ...listing({ participants: [ADA] }),
      heard: [notification("ParticipantsUpdated", chatting({ participants: [ADA, BOB] }))],
    }, ["ParticipantsUpdated"]],
    ["a nickname", {
      ...listing({ participants: [{ ...ADA, nickname: "A." }] }),
      heard: [notification("ParticipantsUpdated", chatting({ participants: [ADA] }))],
    }, ["ParticipantsUpdated"]],
    ["who is there, where only the empty list of a StatusChange was heard", {
      ...listing({ participants: [ADA] }),
      heard: [statusChange(chatting({ participants: [] }))],
    }, ["ParticipantsUpdated"]],
    ["capabilities alone", {
      ...listing({ capabilities: ["Leave"] }),
      heard: [statusChange(chatting({ capabilities: ["Leave", "Transfer"] }))],
    }, ["PropertiesUpdated"]],
    ["capabilities in another order", {
      ...listing({ capabilities: ["Transfer", "Leave"] }),
      heard: [statusChange(chatting({ capabilities: ["Leave", "Transfer"] }))],
    }, []],
    ["capabilities that came with a participant", {
      ...listing({ participants: [ADA, BOB], capabilities: ["SendToAgents"] }),
      heard: [
        notification("ParticipantsUpdated", chatting({ participants: [ADA], capabilities: [] })),
      ],
    }, ["ParticipantsUpdated"]],
    ["everything, where nothing was ever told", {
      ...listing({ participants: [ADA], userData: { a: "1" }, capabilities: ["Leave"] }),
    }, ["ParticipantsUpdated", "PropertiesUpdated"]],
    ["nothing, where there is nothing", { ...listing({ participants: [], userData: {} }) }, []],
    ["nothing, where another instance has told it", {
      ...listing({ participants: [ADA], userData: { a: "2" } }),
      kept: [
        notification("PropertiesUpdated", chatting({ userData: { a: "1" } })),
        notification("ParticipantsUpdated", chatting({ participants: [ADA] })),
        notification("PropertiesUpdated", chatting({ userData: { a: "2" } })),
      ],
    }, []],
    ["what changed since another instance told it", {
      ...listing({ userData: { a: "1" } }),
      kept: [
        notification("PropertiesUpdated", chatting({ userData: { a: "1" } })),
        notification("PropertiesUpdated", chatting({ userData: { a: "2" } })),
      ],
    }, ["PropertiesUpdated"]],
    ["nothing, where it was told by HTTP meanwhile", {
      ...listing({ userData: { a: "2" } }),
      heard: [notification("PropertiesUpdated", chatting({ userData: { a: "1" } }))],
      kept: [notification("PropertiesUpdated", chatting({ userData: { a: "2" } }))],
    }, []],
    ["nothing of what somebody wished to be erased", {
      ...listing({ participants: [ADA], userData: { a: "1" } }),
      kept: [null],
    }, []],
    ["nothing that is about to be told", {
      ...listing({ participants: [ADA], userData: { a: "1" } }),
      held: [
        notification("ParticipantsUpdated", chatting({ participants: [ADA] })),
        notification("PropertiesUpdated", chatting({ userData: { a: "1" } })),
      ],
    }, []],
    ["what a notification that waits leaves out", {
      ...listing({ userData: { a: "1" } }),
      held: [notification("PropertiesUpdated", chatting({}))],
    }, ["PropertiesUpdated"]],
  ] as const
) {
  Deno.test(`a resync tells ${what}: ${news.join(", ") || "no event"}`, async () => {
    const { inserted } = await play({ ...CHATTING, ...scene });
    assert.deepEqual(inserted.map(({ notificationType }) => notificationType), news);
  });
}

Deno.test("attached data comes before the messages, as their number may be in it, and a new state after them", async () => {
  const left = session("s-1", "LeftChat", { participants: [ADA], userData: { PhoneNumber: "1" } });
  const { inserted } = await play({
    ...CHATTING,
    upstream: {
      [LIST]: [left],
      "/me/smssessions/s-1/messages?startIndex=1": { messages: [text(1)] },
    },
  });
  assert.deepEqual(inserted.map(({ notificationType }) => notificationType), [
    "ParticipantsUpdated",
    "PropertiesUpdated",
    "NewMessages",
    "StatusChange",
  ]);
});

Deno.test("of a session that is over the data attached last is told, not who is left in it", async () => {
  const over = session("s-1", "Completed", { participants: [], userData: { DISP_KEY: "sold" } });
  const { inserted } = await play({
    ...CHATTING,
    upstream: { [LIST]: [], "/me/smssessions/s-1": over },
    heard: [notification("ParticipantsUpdated", chatting({ participants: [ADA], userData: {} }))],
  });
  assert.deepEqual(inserted, [notification("PropertiesUpdated", over), statusChange(over)]);
});

Deno.test("an invitation is told by its StatusChange alone, and once, whoever told it", async () => {
  const invited = session("s-1", "Invited", { participants: [ADA], userData: { a: "1" } });
  const upstream = { [LIST]: [invited] };
  assert.deepEqual((await play({ upstream })).inserted, [statusChange(invited)]);
  const again = await play({ upstream, kept: [statusChange(invited)] });
  assert.deepEqual(again.inserted, []);
  const changed = session("s-1", "Invited", { participants: [ADA], userData: { a: "2" } });
  const news = await play({ upstream: { [LIST]: [changed] }, kept: [statusChange(invited)] });
  assert.deepEqual(news.inserted, [notification("PropertiesUpdated", changed)]);
});

Deno.test("a mapping whose session is over is told so again, as nobody ended it", async () => {
  const over = session("s-1", "Completed");
  const { inserted } = await play({ upstream: { [LIST]: [over] }, mapped: { "s-1": "Completed" } });
  assert.deepEqual(inserted, [statusChange(over)]);
});
