import assert from "node:assert/strict";
import { SESSION_ID_MAX_LENGTH } from "../../../../services/contact_centre/dialect/ids.ts";
import { sessionIdOf } from "../../../../services/contact_centre/dialect/session_id.ts";

const ID = "0000Na9B26EF002X";

const FOUND: [string, Record<string, unknown>][] = [
  ["smssession.id", { smssession: { id: ID } }],
  ["the one-s spelling smsession.id", { smsession: { id: ID } }],
  ["blanks around the id", { smssession: { id: ` ${ID} ` } }],
  ["smssessionUri", { smssessionUri: `http://localhost:8080/api/v2/smssessions/${ID}` }],
  ["smsessionUri", { smsessionUri: `http://localhost:8080/api/v2/smsessions/${ID}` }],
  ["smssessionPath", { smssessionPath: `/smssessions/${ID}` }],
  ["smsessionPath", { smsessionPath: `/smsessions/${ID}` }],
  ["a query and a fragment", { smssessionUri: `https://h/smssessions/${ID}?fields=*#top` }],
  ["trailing slashes", { smssessionUri: `https://h/smssessions/${ID}//` }],
  ["something behind the id", { smssessionPath: `/smssessions/${ID}/messages` }],
  ["blanks after the scheme", { smssessionUri: ` http: //localhost: 8080/api/v2/x/${ID} ` }],
  ["another collection's name", { smssessionUri: `http://h/gateway/${ID}` }],
  ["percent-encoding", { smssessionPath: "/smssessions/0000Na9B26EF002%58" }],
  ["the resource's own uri", { smssession: { uri: `http://h/api/v2/smssessions/${ID}` } }],
  ["the resource's own path", { smssession: { state: "Chatting", path: `/smssessions/${ID}` } }],
  ["an unusable id beside a path", { smssession: { id: 7 }, smssessionPath: `/smssessions/${ID}` }],
  ["an unusable path beside a uri", { smssessionPath: "%", smssessionUri: `/smssessions/${ID}` }],
];

for (const [where, notification] of FOUND) {
  Deno.test(`sessionIdOf() finds the id with ${where}`, () => {
    assert.equal(sessionIdOf(notification), ID);
  });
}

const NOT_FOUND: [string, Record<string, unknown>][] = [
  ["nothing that names a session", { messageType: "DeviceStateChangeMessage" }],
  ["a session that is no object", { smssession: ID }],
  ["a list of sessions", { smssession: [{ id: ID }] }],
  ["an empty id", { smssession: { id: " " } }],
  ["an id with a blank inside", { smssession: { id: "a b" } }],
  ["an id with a control character", { smssession: { id: "a\u0000b" } }],
  ["an id that is far too long", { smssession: { id: "a".repeat(SESSION_ID_MAX_LENGTH + 1) } }],
  ["a host alone", { smssessionUri: "http://localhost:8080" }],
  ["a collection without an id", { smssessionUri: "http://localhost:8080/api/v2/smssessions/" }],
  ["an address that is no text", { smssessionUri: { href: `/smssessions/${ID}` } }],
  ["broken percent-encoding", { smssessionPath: "/smssessions/%E0%A4%A" }],
  ["an encoded slash", { smssessionPath: "/smssessions/a%2Fb" }],
  ["an id with an encoded slash that was encoded again", {
    smssessionPath: "/smssessions/a%252Fb",
  }],
  ["an id that is an encoding", { smssession: { id: "a%2Fb" } }],
  ["an id that climbs", { smssession: { id: ".." } }],
  ["a path that climbs", { smssessionPath: "/smssessions/%2e%2e" }],
  ["an id of other letters", { smssession: { id: "é😀" } }],
  ["a path with other letters", { smssessionPath: "/smssessions/%C3%A9" }],
];

for (const [what, notification] of NOT_FOUND) {
  Deno.test(`sessionIdOf() finds nothing in ${what}`, () => {
    assert.equal(sessionIdOf(notification), null);
  });
}

Deno.test("sessionIdOf() prefers the resource's id to an address", () => {
  assert.equal(sessionIdOf({ smssession: { id: ID }, smssessionUri: "/smssessions/other" }), ID);
});
