import assert from "node:assert/strict";
import type { ParsedNotification } from "../../../../services/events/notification.ts";
import {
  MAX_MESSAGES,
  MAX_NOTIFICATIONS,
  readNotifications,
} from "../../../../services/contact_centre/dialect/notifications.ts";
import { seedNotification, SESSION_ID, statusChange } from "./samples.ts";
import { spelled, spelledValue } from "../../../support/spelled.ts";

function accepted(untrustedJson: unknown): readonly ParsedNotification[] {
  return acceptedText(JSON.stringify(untrustedJson));
}

function acceptedText(text: string): readonly ParsedNotification[] {
  const read = readNotifications(spelled(text));
  assert.ok(read.ok, read.ok ? "" : read.message);
  return read.notifications;
}

function refused(untrustedJson: unknown): string {
  const read = readNotifications(spelledValue(untrustedJson));
  assert.ok(!read.ok, "expected a refusal");
  return read.message;
}

function newMessages(...messages: unknown[]) {
  return {
    notificationType: "NewMessages",
    smssessionPath: `/smssessions/${SESSION_ID}`,
    messages,
  };
}

const SEEDS = [
  ["notification_1_status_change.json", "session.status_changed"],
  ["notification_2_participants_updated.json", "session.participants_updated"],
  ["notification_3_new_messages.json", "session.messages_added"],
] as const;

for (const [file, eventType] of SEEDS) {
  Deno.test(`readNotifications() takes ${file} as ${eventType}, value for value`, async () => {
    const seed = await seedNotification(file);
    const [notification, ...others] = accepted(seed);
    assert.equal(others.length, 0);
    assert.equal(notification?.eventType, eventType);
    assert.equal(notification?.sessionId, SESSION_ID);
    assert.equal(notification?.verbatim.text, JSON.stringify(seed));
  });
}

const TYPES = [
  ["StatusChange", "session.status_changed"],
  [" StatusChange ", "session.status_changed"],
  ["ParticipantsUpdated", "session.participants_updated"],
  ["PropertiesUpdated", "session.properties_updated"],
  ["Error", "session.operation_failed"],
  ["TranscriptReady", "session.notification"],
  ["constructor", "session.notification"],
  [undefined, "session.notification"],
  [7, "session.notification"],
] as const;

for (const [notificationType, eventType] of TYPES) {
  Deno.test(`readNotifications() reads the type ${JSON.stringify(notificationType)} as ${eventType}`, () => {
    const [notification] = accepted({ notificationType, smssession: { id: SESSION_ID } });
    assert.equal(notification?.eventType, eventType);
    assert.equal(notification?.messages, null);
  });
}

Deno.test("readNotifications() leaves blanks around types in what is kept", () => {
  const untrusted = { ...statusChange("Chatting"), messageType: "x ", notificationType: "Error " };
  assert.deepEqual(accepted(untrusted)[0]?.verbatim.json, untrusted);
});

Deno.test("readNotifications() takes single, listed, framed and listed framed notifications alike", () => {
  const plain = statusChange("Chatting");
  const framed = { channel: "/v2/me/smssessions", data: plain };
  for (const body of [plain, [plain], framed, [framed]]) {
    const [notification, ...others] = accepted(body);
    assert.deepEqual(notification?.verbatim.json, plain);
    assert.equal(others.length, 0);
  }
  assert.equal(accepted([plain, framed, plain]).length, 3);
});

Deno.test("readNotifications() passes over CometD meta messages and counts them", () => {
  const meta = { channel: "/meta/connect", successful: true, data: { successful: true } };
  const read = readNotifications(
    spelledValue([meta, { channel: "/v2/me/x", data: statusChange("Chatting") }]),
  );
  assert.ok(read.ok);
  assert.equal(read.notifications.length, 1);
  assert.equal(read.skipped, 1);
  assert.deepEqual(readNotifications(spelledValue(meta)), {
    ok: true,
    notifications: [],
    skipped: 1,
  });
});

Deno.test("readNotifications() keeps the numbers that JavaScript cannot hold", () => {
  const text = `{"notificationType":"StatusChange","referenceId":17.0,"big":12345678901234567890,` +
    `"smssession":{"id":"${SESSION_ID}","weight":-0}}`;
  const [notification] = acceptedText(text);
  assert.equal(notification?.verbatim.text, text);
});

Deno.test("readNotifications() finds the exact numbers in framing and behind meta messages", () => {
  const inner = `{"smssession":{"id":"${SESSION_ID}"},"n":1.0}`;
  const text = `[{"channel":"/meta/connect"},{"channel":"/v2/me/x","data":${inner}}]`;
  assert.equal(acceptedText(text)[0]?.verbatim.text, inner);
});

Deno.test("readNotifications() keeps members named like the object prototype's, harmlessly", () => {
  const text = `{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},` +
    `"toJSON":"x","smssession":{"id":"${SESSION_ID}","__proto__":{"id":"other","state":"Stolen"}}}`;
  const [notification] = acceptedText(text);
  assert.equal(notification?.verbatim.text, text);
  assert.equal(notification?.sessionId, SESSION_ID);
  assert.deepEqual(notification?.observed, {});
  assert.equal(Reflect.get({}, "polluted"), undefined);
});

Deno.test("a session named only under __proto__ is no session", () => {
  const read = readNotifications(spelled(`{"__proto__":{"smssession":{"id":"x"}}}`));
  assert.equal(read.ok, false);
});

Deno.test("readNotifications() observes the state and the customer's numbers", () => {
  const [notification] = accepted({
    notificationType: "PropertiesUpdated",
    smssession: {
      id: SESSION_ID,
      state: "Chatting",
      userData: { PhoneNumber: "16501111111", ToAddr: "16502222222" },
    },
  });
  assert.deepEqual(notification?.observed, {
    state: "Chatting",
    phone: "16501111111",
    sender: "16502222222",
  });
});

const OBSERVED: [string, Record<string, unknown>, unknown][] = [
  ["blanks around the state", { state: " Chatting " }, { state: "Chatting" }],
  ["an empty state", { state: "" }, {}],
  ["a state that is no text", { state: 5 }, {}],
  ["a control character in the state", { state: "Chatting\u0000x" }, {}],
  ["a state that is no state", { state: "x".repeat(65) }, {}],
  ["a number without ours", { userData: { FromAddr: "16501111111" } }, { phone: "16501111111" }],
  ["userData without numbers", { userData: { RTenant: "t", DISP_KEY: null } }, {}],
  ["userData that is no object", { userData: "PhoneNumber" }, {}],
];

for (const [what, members, observed] of OBSERVED) {
  Deno.test(`readNotifications() observes with ${what} what it can`, () => {
    const [notification] = accepted({ smssession: { id: SESSION_ID, ...members } });
    assert.deepEqual(notification?.observed, observed);
  });
}

Deno.test("readNotifications() keeps each message index once, the first one", () => {
  const [notification] = accepted(
    newMessages({ index: 2, a: 1 }, { index: 1 }, { index: 2, a: 2 }),
  );
  assert.deepEqual(
    notification?.messages?.map(({ index, text }) => [index, text]),
    [[2, '{"index":2,"a":1}'], [1, '{"index":1}']],
  );
});

Deno.test("readNotifications() takes NewMessages without any message", () => {
  assert.deepEqual(accepted(newMessages())[0]?.messages, []);
});

Deno.test("readNotifications() reads an index of 3.0 as 3 and keeps its spelling", () => {
  const text = `{"notificationType":"NewMessages","smssessionPath":"/smssessions/x",` +
    `"messages":[{"index":3.0}]}`;
  const message = acceptedText(text)[0]?.messages?.[0];
  assert.equal(message?.index, 3);
  assert.equal(message?.text, '{"index":3.0}');
});

const REFUSED: [string, unknown, RegExp][] = [
  ["an empty list", [], /1 to 1000 notifications, not 0$/],
  ["a text", "StatusChange", /^Cannot read the notification: expected a JSON object$/],
  ["null", null, /expected a JSON object$/],
  ["a list in a list", [[statusChange("Chatting")]], /expected a JSON object$/],
  ["framing around a text", { channel: "/v2/me/x", data: "x" }, /expected a JSON object$/],
  ["framing around nothing", { channel: "/v2/me/x" }, /expected a session id/],
  [
    "no session id",
    { notificationType: "StatusChange" },
    /expected a session id in smssession\.id/,
  ],
  [
    "no session id in the second of two",
    [statusChange("Chatting"), { notificationType: "StatusChange" }],
    /^Cannot read notification 2: expected a session id/,
  ],
  ["messages that are no list", { ...newMessages(), messages: {} }, /expected messages to be an/],
  ["no messages", { ...newMessages(), messages: undefined }, /expected messages to be an array$/],
  ["a message that is a text", newMessages({ index: 1 }, "x"), /messages\[1\]\.index/],
  ["a message without an index", newMessages({}), /messages\[0\]\.index to be an integer from 1$/],
  ["an index of 0", newMessages({ index: 0 }), /messages\[0\]\.index/],
  ["an index that is a text", newMessages({ index: "1" }), /messages\[0\]\.index/],
  ["an index with a fraction", newMessages({ index: 1.5 }), /messages\[0\]\.index/],
  ["an index beyond 2^53", newMessages({ index: 2 ** 53 }), /messages\[0\]\.index/],
];

for (const [what, body, message] of REFUSED) {
  Deno.test(`readNotifications() refuses ${what}, and says where`, () => {
    assert.match(refused(body), message);
  });
}

const REASONS: [string, unknown, string][] = [
  ["a device", { messageType: "DeviceStateChangeMessage", devices: [{ id: "x" }] }, "no-session"],
  ["a chat", { notificationType: "NewMessages", chatPath: "/chats/1", messages: [] }, "no-session"],
  ["an error without a session", { notificationType: "Error", errorMessage: "x" }, "no-session"],
  ["a null for a session", { smssession: null, smssessionUri: null }, "no-session"],
  ["nothing", {}, "no-session"],
  ["framing around a device", { channel: "/v2/me/devices", data: { devices: [] } }, "no-session"],
  ["framing around nothing", { channel: "/v2/me/x" }, "no-session"],
  ["a session without an id", { smssession: { state: "Chatting" } }, "unusable"],
  ["a session path without an id", { smsessionPath: "/smsessions/" }, "unusable"],
  ["no object", "x", "unusable"],
  ["messages without an index", newMessages({}), "unusable"],
  ["no notification at all", [], "unusable"],
];

for (const [what, body, reason] of REASONS) {
  Deno.test(`readNotifications() tells ${what} apart as ${reason}`, () => {
    const read = readNotifications(spelledValue(body));
    assert.equal(read.ok ? null : read.reason, reason);
  });
}

Deno.test("readNotifications() takes as many notifications as allowed and not one more", () => {
  const full = Array.from({ length: MAX_NOTIFICATIONS }, () => statusChange("Chatting"));
  assert.equal(accepted(full).length, MAX_NOTIFICATIONS);
  assert.match(refused([...full, statusChange("Chatting")]), /1 to 1000 notifications, not 1001$/);
});

Deno.test("readNotifications() counts the messages of all notifications together", () => {
  const half = Array.from({ length: MAX_MESSAGES / 2 }, (_, at) => ({ index: at + 1 }));
  const one = newMessages(...half);
  assert.equal(accepted([one, one]).length, 2);
  assert.match(
    refused([one, one, newMessages({ index: 1 })]),
    /^Cannot read notification 3: .*10000/,
  );
});

Deno.test("a notification keeps the order, the spelling and the numbers of its members", () => {
  for (
    const text of [
      `{"10":1,"9":2,"smssession":{"id":"${SESSION_ID}","userData":{"2":"b","1":"a","":null}}}`,
      `{"smssession":{"id":"${SESSION_ID}"},"a\\/b":"\\u00e9\\ud800\\u0000","n":[1.0,-0,1E+2]}`,
    ]
  ) {
    assert.equal(acceptedText(text)[0]?.verbatim.text, text);
  }
});

Deno.test("a notification is kept without the white space between its tokens, and with that inside its texts", () => {
  const text = `\n{ "10" : 1 ,\t"9":[ 1.0 , " a : b " ],"smssession":{"id":"${SESSION_ID}"} }\r\n`;
  assert.equal(
    acceptedText(text)[0]?.verbatim.text,
    `{"10":1,"9":[1.0," a : b "],"smssession":{"id":"${SESSION_ID}"}}`,
  );
});
