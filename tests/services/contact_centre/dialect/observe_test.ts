import assert from "node:assert/strict";
import { observe } from "../../../../services/contact_centre/dialect/observe.ts";
import type { StillIn } from "../../../../services/store/port/events.ts";

const CUSTOMER = { type: "Customer", nickname: "Ada" };
const AGENT = { type: "Agent", nickname: "Noor" };

const LISTS: readonly [participants: unknown, stillIn: StillIn][] = [
  [undefined, "untold"],
  [null, "untold"],
  [{}, "untold"],
  [[], "untold"],
  [[CUSTOMER], "others"],
  [[CUSTOMER, { type: " external " }], "others"],
  [[CUSTOMER, AGENT], "agents"],
  [[{ type: "Supervisor" }], "agents"],
  [[{ nickname: "Ada" }], "agents"],
  [[CUSTOMER, null], "agents"],
  [["Customer"], "agents"],
];

for (const [participants, stillIn] of LISTS) {
  Deno.test(`a session that is over with ${JSON.stringify(participants)} in it: ${stillIn}`, () => {
    const smssession = { state: " COMPLETED ", participants };
    assert.deepEqual(observe({ smssession }).ending, { reason: "completed", stillIn });
  });
}

Deno.test("a session that goes on, or whose state is no state, has no ending", () => {
  for (const state of ["Chatting", "LeftChat", "Complete", "", 7, null, ["Completed"]]) {
    assert.equal(observe({ smssession: { state } }).ending, undefined);
  }
});
