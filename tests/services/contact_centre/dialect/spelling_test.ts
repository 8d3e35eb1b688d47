import assert from "node:assert/strict";
import { folded, mistakableFor } from "../../../../services/contact_centre/dialect/spelling.ts";

const ALIKE: readonly (readonly [string, string])[] = [
  ["Intrude", "intrude"],
  ["Intrude", "INTRUDE"],
  ["Intrude", " Intrude "],
  ["Intrude", "\tIntrude\r\n"],
  ["Intrude", "\u00a0Intrude"],
  ["Intrude", "Intrude\u0000"],
  ["Intrude", "\ufeffIntrude"],
  ["Intrude", "Intrude\u200b"],
  ["Intrude", "In trude"],
  // A Turkish reader's capitals and small letters.
  ["Intrude", "\u0131ntrude"],
  ["Intrude", "\u0130ntrude"],
  ["SendMessage", "\u017fendMe\u017f\u017fage"],
  ["SendMessage", "SendMeßage"],
  ["InFocus", "\uff29\uff4eFocus"],
];

for (const [one, other] of ALIKE) {
  Deno.test(`${JSON.stringify(other)} could be taken for ${one}`, () => {
    assert.equal(folded(other), folded(one));
  });
}

for (const other of ["Intruder", "SendMessages", "Send-Message", "\u0406ntrude", "__proto__", ""]) {
  Deno.test(`${JSON.stringify(other)} could be taken neither for Intrude nor for SendMessage`, () => {
    assert.notEqual(folded(other), folded("Intrude"));
    assert.notEqual(folded(other), folded("SendMessage"));
  });
}

Deno.test("mistakableFor() tells the name that a member could be taken for, unless it is that name", () => {
  const names = ["operationName", "nickname"];
  assert.equal(mistakableFor({ operationName: 1, nickname: 2, OperationNames: 3 }, names), null);
  assert.equal(mistakableFor({ operationName: 1, OPERATIONNAME: 2 }, names), "operationName");
  assert.equal(mistakableFor({ operationName: 1, "nickname ": 2 }, names), "nickname");
  assert.equal(mistakableFor({}, names), null);
  assert.equal(mistakableFor(JSON.parse('{"__proto__":{"Nickname":1}}'), names), null);
});
