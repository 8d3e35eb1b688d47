import assert from "node:assert/strict";
import {
  folded,
  mistakableFor,
  spellingsOf,
} from "../../../../services/contact_centre/dialect/spelling.ts";

const ALIKE: readonly (readonly [string, string])[] = [
  ["Intrude", "intrude"],
  ["Intrude", "INTRUDE"],
  ["Intrude", " Intrude "],
  ["Intrude", "\tIntrude\r\n"],
  ["Intrude", "\u00a0Intrude"],
  ["Intrude", "Intrude\u0000"],
  ["Intrude", "\ufeffIntrude"],
  ["Intrude", "Intrude\u200b"],
  ["Intrude", `Intrude${"\u200b".repeat(60_000)}`],
  // Normalising it as it is would take seconds.
  ["Intrude", `Intrude${"\u0301\u0323".repeat(30_000)}`],
  ["Intrude", "In trude"],
  // A Turkish reader's capitals and small letters.
  ["Intrude", "\u0131ntrude"],
  ["Intrude", "\u0130ntrude"],
  ["SendMessage", "\u017fendMe\u017f\u017fage"],
  ["SendMessage", "SendMeßage"],
  ["InFocus", "\uff29\uff4eFocus"],
];

for (const [one, other] of ALIKE) {
  Deno.test(`${JSON.stringify(other.slice(0, 20))} could be taken for ${one}`, () => {
    assert.equal(folded(other), folded(one));
  });
}

for (
  const other of [
    "Intruder",
    "Intrude".repeat(100),
    "é".repeat(30_000),
    "SendMessages",
    "Send-Message",
    "\u0406ntrude",
    "__proto__",
    "",
  ]
) {
  Deno.test(`${JSON.stringify(other.slice(0, 20))} could be taken neither for Intrude nor for SendMessage`, () => {
    assert.notEqual(folded(other), folded("Intrude"));
    assert.notEqual(folded(other), folded("SendMessage"));
  });
}

Deno.test("mistakableFor() tells the name that a member could be taken for, unless it is that name", () => {
  const names = ["operationName", "nickname"];
  const mistakable = (body: Record<string, unknown>) => mistakableFor(spellingsOf(body), names);
  assert.equal(mistakable({ operationName: 1, nickname: 2, OperationNames: 3 }), null);
  assert.equal(mistakable({ operationName: 1, OPERATIONNAME: 2 }), "operationName");
  assert.equal(mistakable({ operationName: 1, "nickname ": 2 }), "nickname");
  assert.equal(mistakable({}), null);
  assert.equal(mistakable(JSON.parse('{"__proto__":{"Nickname":1}}')), null);
});
