import assert from "node:assert/strict";
import {
  endingOf,
  isTerminal,
  mayBeTaken,
} from "../../../../services/contact_centre/dialect/states.ts";

const ROWS = [
  ["Invited", null, true],
  ["Chatting", null, false],
  ["LeftChat", null, false],
  ["Completed", "completed", false],
  ["Revoked", "revoked", false],
  ["completed", "completed", false],
  [" REVOKED ", "revoked", false],
  ["INVITED", null, true],
  ["Completed\u200b", "completed", false],
  ["Completed?", null, false],
  ["toString", null, false],
  ["", null, false],
] as const;

for (const [state, ending, taken] of ROWS) {
  Deno.test(
    `a session in the state ${JSON.stringify(state)} ${
      ending === null ? "goes on" : `is over: ${ending}`
    }${taken ? " and may be taken" : ""}`,
    () => {
      assert.equal(endingOf(state), ending);
      assert.equal(isTerminal(state), ending !== null);
      assert.equal(mayBeTaken(state), taken);
    },
  );
}
