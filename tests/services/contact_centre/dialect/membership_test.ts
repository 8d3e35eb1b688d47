import assert from "node:assert/strict";
import {
  type Membership,
  membershipOf,
} from "../../../../services/contact_centre/dialect/membership.ts";

const OWN = { agentId: "agent-1", nickname: "Ada", isOwn: true };
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
  assert.equal(membershipOf(resource, { ...OWN, nickname: null }), "in");
  assert.equal(membershipOf(resource, { ...ANYBODYS, nickname: null }), "somebody");
});
