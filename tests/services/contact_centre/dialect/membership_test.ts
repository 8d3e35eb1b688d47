import assert from "node:assert/strict";
import {
  type Membership,
  membershipOf,
  membershipTold,
} from "../../../../services/contact_centre/dialect/membership.ts";

const OWN = { agentId: "agent-1", nicknames: ["Eve", "Ada"], isOwn: true };
const ANYBODYS = { ...OWN, isOwn: false };
const customer = { type: "Customer", nickname: "Ada", participantId: "1" };
const byNickname = { type: "Agent", nickname: "Ada", participantId: "2" };
const byPath = { type: "Agent", nickname: "Someone", path: "/users/agent-1" };
const byUri = { type: "Agent", nickname: "Someone", uri: "http://h:1/api/v2/users/agent%2D1" };
const another = { type: "Agent", nickname: "Bea", path: "/users/agent-2" };
const nameless = { type: "Agent", participantId: "3" };

const ROWS: readonly [string, Record<string, unknown>, Membership, Membership][] = [
  ["Invited", { state: "Invited", participants: [] }, "offered", "offered"],
  [
    "Invited, with others in it",
    { state: "Invited", participants: [another] },
    "offered",
    "offered",
  ],
  ["Completed", { state: "Completed", participants: [byPath] }, "out", "out"],
  ["Revoked", { state: "Revoked" }, "out", "out"],
  ["no state", { participants: [byPath] }, "unknown", "unknown"],
  ["a state that is none", { state: 7, participants: [byPath] }, "unknown", "unknown"],
  ["the agent by nickname", { state: "Chatting", participants: [byNickname] }, "in", "in"],
  [
    "the agent by nickname, otherwise spelled",
    { state: "Chatting", participants: [another, { type: " agent", nickname: " Ada " }] },
    "in",
    "in",
  ],
  [
    "another agent alone, whose type is otherwise spelled",
    { state: "Chatting", participants: [{ ...another, type: "AGENT" }] },
    "out",
    "out",
  ],
  ["the agent by path", { state: "Chatting", participants: [another, byPath] }, "in", "in"],
  ["the agent by address", { state: "Chatting", participants: [byUri] }, "in", "in"],
  ["another agent alone", { state: "Chatting", participants: [another] }, "out", "out"],
  ["nobody", { state: "Chatting", participants: [] }, "in", "somebody"],
  ["no participants", { state: "Chatting" }, "in", "somebody"],
  [
    "a customer of that name alone",
    { state: "Chatting", participants: [customer] },
    "in",
    "somebody",
  ],
  ["an agent without a name", { state: "Chatting", participants: [nameless] }, "in", "somebody"],
  ["what is no list", { state: "Chatting", participants: "agent-1" }, "in", "somebody"],
  ["a state that nobody knows", { state: "Idle", participants: [byPath] }, "in", "in"],
];

for (const [shows, resource, own, anybodys] of ROWS) {
  Deno.test(`a session that shows ${shows}: ${own} of the agent's own, ${anybodys} of anybody's`, () => {
    assert.equal(membershipOf(resource, OWN), own);
    assert.equal(membershipOf(resource, ANYBODYS), anybodys);
  });
}

Deno.test("without a nickname other agents in the session tell nothing of this one", () => {
  const resource = { state: "Chatting", participants: [another] };
  assert.equal(membershipOf(resource, { ...OWN, nicknames: [] }), "in");
  assert.equal(membershipOf(resource, { ...ANYBODYS, nicknames: [] }), "somebody");
});

const SAID_AT = 1_389_261_492_035;
const said = (type: string, from: unknown, timestampSeconds?: number) => ({
  index: 1,
  type,
  from,
  ...(timestampSeconds === undefined ? {} : { timestampSeconds }),
});
const [joined, left] = [said("ParticipantJoined", byPath), said("ParticipantLeft", byNickname)];

const TOLD: readonly [string, unknown, Membership][] = [
  ["a resource", { smsession: { state: "Chatting", participants: [byPath] } }, "in"],
  ["that the agent joined", { messages: [joined, said("Text", another)] }, "in"],
  ["that the agent came back", { messages: [left, said(" ParticipantRejoined", byPath)] }, "in"],
  ["that the agent joined and left", { messages: [joined, left] }, "out"],
  ["that another joined", { messages: [said("ParticipantJoined", another)] }, "unknown"],
  ["that a customer joined", { messages: [said("ParticipantJoined", customer)] }, "unknown"],
  ["a text of the agent", { messages: [said("Text", byPath)] }, "unknown"],
  [
    "that the agent joined just now",
    { messages: [said("ParticipantJoined", byPath, SAID_AT)] },
    "in",
  ],
  [
    "that the agent joined long ago",
    { messages: [said("ParticipantJoined", byPath, SAID_AT - 1)] },
    "unknown",
  ],
  ["neither", { channel: "/v2/me/devices" }, "unknown"],
  ["what is no object", [], "unknown"],
];

for (const [tells, notification, membership] of TOLD) {
  Deno.test(`a notification that tells ${tells}: ${membership}`, () => {
    assert.equal(membershipTold(notification, { ...ANYBODYS, sinceMs: SAID_AT }), membership);
  });
}
