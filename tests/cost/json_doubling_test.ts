import { readNotifications } from "../../services/contact_centre/dialect/notifications.ts";
import { readListing, readMessageLog } from "../../services/contact_centre/dialect/listing.ts";
import { readNarrowable } from "../../services/contact_centre/dialect/narrowing.ts";
import { readOperation } from "../../services/contact_centre/dialect/operations.ts";
import { membersTold } from "../../services/contact_centre/dialect/session_members.ts";
import { draftFor } from "../../services/events/drafts.ts";
import { readBayeuxAnswer } from "../../services/following/cometd/bayeux.ts";
import { smsCandidates } from "../../services/sms/eligibility.ts";
import { canonicalJson, readJson } from "../../services/support/spelled_json.ts";
import { assertLinear } from "../support/linear_time.ts";
import { between, collidingName, filled, listed } from "./long_texts.ts";

// Notifications are read up to 1 MiB. A quarter shows as much, and twice that is no measure of the garbage collector.
const KIB256 = 256 * 1024;
const KIB64 = 64 * 1024;

/** Texts by their length: JSON, and what only looks like it. */
const TEXTS: readonly (readonly [string, (size: number) => string])[] = [
  ["opening brackets", (size) => filled("[", size)],
  ["opening braces", (size) => filled('{"a":', size)],
  ["brackets in brackets", (size) => filled("[", size / 2) + filled("]", size / 2)],
  ["closing brackets", (size) => filled("]", size)],
  ["brackets beside each other", (size) => between("[", "[],", "0]", size)],
  ["one string of quotes", (size) => between('["', '\\"', '"]', size)],
  ["one string of backslashes", (size) => between('["', "\\\\", '"]', size)],
  ["a string without end", (size) => between('["', '\\"', "", size)],
  ["one long number", (size) => between("[", "1", "]", size)],
  ["white space", (size) => between("[", " \n", "]", size)],
  ["small numbers", (size) => between("[", "1,", "1]", size)],
  ["commas", (size) => between("[", ",", "]", size)],
  [
    "members",
    (size) => listed((at) => `"name${at}":${at}`, { size, open: "{", close: "}" }),
  ],
  [
    "members whose names meet in one place of a hash table",
    (size) => listed((at) => `"${collidingName(at)}":0`, { size, open: "{", close: "}" }),
  ],
  ["one member again and again", (size) => between("{", '"a":0,', '"b":0}', size)],
  ["one long name", (size) => between('{"', "n", '":0}', size)],
  ["names of escapes", (size) => between("{", '"\\u0061\\u0062":0,', '"b":0}', size)],
];

for (const [what, textOf] of TEXTS) {
  Deno.test(`readJson() takes time in proportion to its text: ${what}`, () =>
    assertLinear(KIB256, (size) => {
      const text = textOf(size);
      return () => readJson(text);
    }));
}

const message = (at: number) =>
  `{"index":${at + 1},"type":"Text","text":"t","visibility":"All","from":{"type":"Agent"},` +
  `"timestampSeconds":1400000000000}`;
const session = (members: string) =>
  `{"notificationType":"StatusChange","smssession":{"id":"0000Na9B26EF002X","state":"Chat",${members}}}`;
const messages = (list: string, address = "/smssessions/1") =>
  `{"notificationType":"NewMessages","smssessionPath":"${address}","messages":${list}}`;

/** Notifications by their length; some of them are more than is taken. */
const NOTIFICATIONS: readonly (readonly [string, (size: number) => string])[] = [
  [
    "notifications",
    (size) => listed(() => session('"participants":[]'), { size, open: "[", close: "]" }),
  ],
  ["messages", (size) => messages(listed(message, { size, open: "[", close: "]" }))],
  [
    "messages of one index",
    (size) => messages(between("[", '{"index":1},', '{"index":1}]', size)),
  ],
  [
    "userData",
    (size) =>
      session(listed((at) => `"k${at}":"v${at}"`, { size, open: '"userData":{', close: "}" })),
  ],
  [
    "userData whose names meet in one place of a hash table",
    (size) =>
      session(
        listed((at) => `"${collidingName(at)}":"1"`, { size, open: '"userData":{', close: "}" }),
      ),
  ],
  [
    "participants",
    (size) =>
      session(
        listed((at) => `{"type":"Agent","nickname":"n${at}","uri":"http://h/users/${at}"}`, {
          size,
          open: '"participants":[',
          close: "]",
        }),
      ),
  ],
  ["a path of slashes", (size) => messages("[]", filled("/smssessions", size))],
  ["a path of percent signs", (size) => messages("[]", filled("/%", size))],
  ["a path of question marks", (size) => messages("[]", filled("?#", size))],
  [
    "a number of a customer",
    (size) => session(`"userData":{"PhoneNumber":"${filled("1 (", size)}"}`),
  ],
  ["a state", (size) => `{"smssession":{"id":"1","state":"${filled("Chat ", size)}"}}`],
  [
    "frames",
    (size) => between("[", '{"channel":"/meta/connect"},', '{"channel":"/meta/x"}]', size),
  ],
];

for (const [what, textOf] of NOTIFICATIONS) {
  Deno.test(`notifications take time in proportion to their text: ${what}`, () =>
    assertLinear(KIB256, (size) => {
      const text = textOf(size);
      return () => {
        const read = readJson(text);
        if (!read.ok) return;
        const notifications = readNotifications(read.value);
        if (!notifications.ok) return;
        for (const notification of notifications.notifications) {
          draftFor(notification, { id: "evt_1", nowMs: 0, textsAmong: smsCandidates });
          membersTold(notification.verbatim);
        }
      };
    }));

  Deno.test(`what CometD brings takes time in proportion to its text: ${what}`, () =>
    assertLinear(KIB256, (size) => {
      const text = `[{"channel":"/v2/me/sms","data":${textOf(size)}}]`;
      return () => readBayeuxAnswer(text);
    }));
}

/** Upstream's lists by their length. */
const LISTS: readonly (readonly [string, (size: number) => string])[] = [
  [
    "sessions",
    (size) =>
      listed((at) => `{"id":"s${at}","state":"Chat","uri":"http://h/smssessions/s${at}"}`, {
        size,
        open: '{"statusCode":0,"smssessions":[',
        close: "]}",
      }),
  ],
  [
    "addresses",
    (size) =>
      listed((at) => `"http://h/smssessions/s${at}"`, { size, open: '{"uris":[', close: "]}" }),
  ],
  ["messages", (size) => listed(message, { size, open: '{"messages":[', close: "]}" })],
  [
    "resources in resources",
    (size) =>
      listed(() => `${'{"a":['.repeat(30)}0${"]}".repeat(30)}`, { size, open: "[", close: "]" }),
  ],
];

for (const [what, textOf] of LISTS) {
  Deno.test(`upstream's lists take time in proportion to their text: ${what}`, () =>
    assertLinear(KIB256, (size) => {
      const body = new TextEncoder().encode(textOf(size));
      return () => {
        readListing({ status: 200, body });
        readMessageLog({ status: 200, body });
        readNarrowable(body)?.keep(new Set());
      };
    }));
}

/** Bodies of operations by their length. */
const OPERATIONS: readonly (readonly [string, (size: number) => string])[] = [
  ["a name of blanks", (size) => `{"operationName":"${filled(" ", size)}Accept"}`],
  ["a name of marks", (size) => `{"operationName":"${filled("e\u0301", size)}"}`],
  ["a name of ligatures", (size) => `{"operationName":"${filled("\ufdfa", size / 2)}"}`],
  [
    "members",
    (size) =>
      listed((at) => `"m${at}":0`, { size, open: '{"operationName":"Accept",', close: "}" }),
  ],
  [
    "members whose names meet in one place of a hash table",
    (size) =>
      listed((at) => `"${collidingName(at)}":0`, {
        size,
        open: '{"operationName":"Accept",',
        close: "}",
      }),
  ],
  [
    "members that are marks alone",
    (size) =>
      listed((at) => `"${"\u0301".repeat(at % 64)}${at}":0`, {
        size,
        open: '{"operationName":"Accept",',
        close: "}",
      }),
  ],
  [
    "keys",
    (size) =>
      listed((at) => `"k${at}"`, {
        size,
        open: '{"operationName":"DeleteUserData","keys":[',
        close: "]}",
      }),
  ],
  ["a text", (size) => `{"operationName":"SendMessage","text":"${filled("x ", size)}"}`],
];

for (const [what, textOf] of OPERATIONS) {
  Deno.test(`operations take time in proportion to their body: ${what}`, () =>
    assertLinear(KIB64, (size) => {
      const text = textOf(size);
      return () => {
        const read = readJson(text);
        if (read.ok) readOperation(read.value.json);
      };
    }));
}

Deno.test("canonicalJson() takes time in proportion to its text", () =>
  assertLinear(KIB256, (size) => {
    const read = readJson(
      listed((at) => `"k${at}":[{"b":"\\u0061","a":{"d":1,"c":[2]}}]`, {
        size,
        open: "{",
        close: "}",
      }),
    );
    if (!read.ok) throw new Error(read.expected);
    return () => canonicalJson(read.value.text);
  }));
