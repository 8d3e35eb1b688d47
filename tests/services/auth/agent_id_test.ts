import assert from "node:assert/strict";
import { AGENT_ID_MAX_LENGTH, isAgentId } from "../../../services/auth/agent_id.ts";

const LONGEST = "a".repeat(AGENT_ID_MAX_LENGTH);

const GOOD = [
  "agent-1",
  "john.doe@example.com",
  "auth0|5f7c8ec7c33c6c004bbafe82",
  "CN=Ada Lovelace, O=Example",
  "é😀",
  "..",
  " padded ",
  LONGEST,
];
const BAD = [
  "",
  " ",
  "\u00a0",
  "agent-1\u0000x",
  "agent-1\n",
  "agent\u007f",
  "agent\u0085",
  "agent-\ud800",
  "\udc00agent",
  `${LONGEST}a`,
  null,
  undefined,
  7,
  ["agent-1"],
];

for (const id of GOOD) {
  Deno.test(`${JSON.stringify(id.slice(0, 32))} is an agent's id`, () => {
    assert.equal(isAgentId(id), true);
  });
}

for (const id of BAD) {
  Deno.test(`${String(JSON.stringify(id)).slice(0, 32)} is no agent's id`, () => {
    assert.equal(isAgentId(id), false);
  });
}
