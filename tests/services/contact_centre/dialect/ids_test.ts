import assert from "node:assert/strict";
import {
  heardSessionId,
  isAgentIdInPath,
  isSessionIdInPath,
} from "../../../../services/contact_centre/dialect/ids.ts";

const LONGEST = "a".repeat(128);
const ROWS: readonly (readonly [id: string, heard: boolean, session: boolean, agent: boolean])[] = [
  ["0000Na9B26EF002X", true, true, true],
  ["a_b~c-d", true, true, true],
  ["john.doe@example.com", true, false, true],
  [LONGEST, true, true, true],
  [`${LONGEST}a`, false, false, false],
  [".", true, false, false],
  ["..", true, false, false],
  ["a%2e", true, false, false],
  ["a/b", false, false, false],
  ["a b", false, false, false],
  ["a\u0000b", false, false, false],
  ["é", true, false, false],
  ["", false, false, false],
];

for (const [id, heard, session, agent] of ROWS) {
  const shown = JSON.stringify(id.length > 20 ? `${id.length} characters` : id);
  Deno.test(`${shown} may be heard: ${heard}, name a session: ${session}, an agent: ${agent}`, () => {
    assert.equal(heardSessionId(id), heard ? id : null);
    assert.equal(isSessionIdInPath(id), session);
    assert.equal(isAgentIdInPath(id), agent);
  });
}

Deno.test("heardSessionId() leaves out the blanks around an id and what is no text", () => {
  assert.equal(heardSessionId(" s-1 "), "s-1");
  assert.equal(heardSessionId(7), null);
});
