import assert from "node:assert/strict";
import {
  decideOptOut,
  type OptOutChange,
  type OptOutEntry,
  optOutKey,
  optOutScope,
} from "../../../services/sms/opt_out_ledger.ts";

const change = (wanted: "out" | "in", eventId: string, source = `SM ${eventId}`): OptOutChange => ({
  wanted,
  eventId,
  source,
});
const entry = (state: "out" | "in", eventId: string, asOf = eventId): OptOutEntry => ({
  state,
  eventId,
  source: `SM ${eventId}`,
  asOf,
});

for (
  const [what, before, asked, expected] of [
    ["a first STOP", null, change("out", "evt_1"), {
      kind: "change",
      entry: entry("out", "evt_1"),
    }],
    ["a YES from somebody who is in", null, change("in", "evt_1"), { kind: "nothing" }],
    [
      "a further STOP",
      entry("out", "evt_1"),
      change("out", "evt_2"),
      { kind: "confirm", entry: entry("out", "evt_1", "evt_2") },
    ],
    [
      "a START after a STOP",
      entry("out", "evt_1"),
      change("in", "evt_2"),
      { kind: "change", entry: entry("in", "evt_2") },
    ],
    [
      "a STOP after a START",
      entry("in", "evt_2"),
      change("out", "evt_3"),
      { kind: "change", entry: entry("out", "evt_3") },
    ],
    [
      "the same STOP again",
      entry("out", "evt_1"),
      change("out", "evt_1"),
      { kind: "repeat", eventId: "evt_1" },
    ],
    [
      "the same refusal again, under another event id",
      entry("out", "evt_1"),
      change("out", "evt_2", "SM evt_1"),
      { kind: "repeat", eventId: "evt_1" },
    ],
    [
      "an old STOP again after a START",
      entry("in", "evt_2"),
      change("out", "evt_1"),
      { kind: "nothing" },
    ],
    [
      "an old START again after a second STOP",
      entry("out", "evt_1", "evt_3"),
      change("in", "evt_2"),
      { kind: "nothing" },
    ],
  ] as const
) {
  Deno.test(`decideOptOut() on ${what}`, () => {
    assert.deepEqual(decideOptOut(before, asked), expected);
  });
}

Deno.test("the scope is the pool where there is one, else the number that was texted", () => {
  const from = { from: "+15550100000" };
  const pooled = { pool: "MG1" };
  assert.equal(optOutScope(from, { from: "+15550100001" }), "+15550100001");
  assert.equal(optOutScope(pooled, { from: "+15550100001" }), "MG1");
  assert.equal(optOutScope(pooled, pooled), "MG1");
});

Deno.test("a key holds both numbers, and no two pairs share one", () => {
  assert.equal(optOutKey("+16501110001", "+15550100000"), "16501110001:15550100000");
  assert.notEqual(optOutKey("+1650111", "24680"), optOutKey("+1650111", "+2468000"));
});
