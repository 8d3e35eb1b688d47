import assert from "node:assert/strict";
import {
  heardSessionId,
  isAgentIdInPath,
  isSessionId,
} from "../../../../services/contact_centre/dialect/ids.ts";

const LONGEST = "a".repeat(128);
const ROWS: readonly (readonly [id: string, session: boolean, agentInPath: boolean])[] = [
  ["0000Na9B26EF002X", true, true],
  ["a_b~c-d", true, true],
  ["john.doe@example.com", false, true],
  [LONGEST, true, true],
  [`${LONGEST}a`, false, false],
  [".", false, false],
  ["..", false, false],
  ["...", false, true],
  ["a%2e", false, false],
  ["a%2Fb", false, false],
  ["a/b", false, false],
  ["a\\b", false, false],
  ["a;b", false, false],
  ["a b", false, false],
  ["a\u0000b", false, false],
  ["a\n", false, false],
  ["é", false, false],
  ["é😀", false, false],
  ["\ud800", false, false],
  ["", false, false],
];

for (const [id, session, agent] of ROWS) {
  const shown = JSON.stringify(id.length > 20 ? `${id.length} characters` : id);
  Deno.test(`${shown} may name a session: ${session}, an agent in a path: ${agent}`, () => {
    assert.equal(isSessionId(id), session);
    assert.equal(isAgentIdInPath(id), agent);
  });
}

Deno.test("upstream tells the ids that clients may name, and no others", () => {
  for (const [id, session] of ROWS) {
    const heard = heardSessionId(id);
    assert.equal(heard !== null && isSessionId(heard), heard !== null);
    if (session) assert.equal(heard, id);
  }
});

Deno.test("heardSessionId() leaves out the blanks around an id and what is no text", () => {
  assert.equal(heardSessionId(" s-1\r\n"), "s-1");
  assert.equal(heardSessionId(" . "), null);
  assert.equal(heardSessionId(7), null);
  assert.equal(heardSessionId(["s-1"]), null);
});
