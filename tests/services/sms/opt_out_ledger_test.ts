import assert from "node:assert/strict";
import {
  decideOptOut,
  decodeEntry,
  isOpenedAt,
  type OptOutChange,
  type OptOutEntry,
  optOutKey,
  optOutKeyPrefix,
  optOutScope,
  sendersOf,
} from "../../../services/sms/opt_out_ledger.ts";

const customer = "+16501110001";
const about = { customer, senders: ["+15550100000"], reason: "message", by: null };
const byAda = { senders: [], reason: "asked on the phone", by: "ada" };

const change = (wanted: "out" | "in", eventId: string, source = `SM ${eventId}`): OptOutChange => ({
  ...about,
  wanted,
  eventId,
  source,
});
const entry = (state: "out" | "in", eventId: string, asOf = eventId): OptOutEntry => ({
  ...about,
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
    [
      "a STOP to a second number of the pool",
      entry("out", "evt_1"),
      { ...change("out", "evt_2"), senders: ["+15550100001", "MG1"] },
      {
        kind: "confirm",
        entry: {
          ...entry("out", "evt_1", "evt_2"),
          senders: ["+15550100000", "+15550100001", "MG1"],
        },
      },
    ],
    [
      "a person's word after a text that is newer by another instance's clock",
      entry("out", "evt_9"),
      { ...change("in", "evt_2"), ...byAda },
      {
        kind: "change",
        entry: {
          ...entry("in", "evt_2", "evt_9"),
          reason: "asked on the phone",
          by: "ada",
        },
      },
    ],
  ] as const
) {
  Deno.test(`decideOptOut() on ${what}`, () => {
    assert.deepEqual(decideOptOut(before, asked), expected);
  });
}

Deno.test("the scope is the pool where there is one, else the number, else all of us", () => {
  assert.equal(optOutScope(sendersOf({ from: "+15550100001" })), "+15550100001");
  assert.equal(optOutScope(sendersOf({ from: "+15550100001" }, "MG1")), "MG1");
  assert.equal(optOutScope(sendersOf({ pool: "MG1" })), "MG1");
  assert.equal(optOutScope([]), "*");
});

Deno.test("START opens what was closed at the same number or pool, and nothing that a person closed", () => {
  const closedAt = (...senders: string[]) => ({ ...entry("out", "evt_1"), senders });
  assert.ok(isOpenedAt(closedAt("+1555", "MG1"), ["+1555"]));
  assert.ok(isOpenedAt(closedAt("+1555", "MG1"), ["+1666", "MG1"]));
  assert.ok(!isOpenedAt(closedAt("+1555"), ["+1666", "MG1"]));
  assert.ok(!isOpenedAt(closedAt(), ["+1555", "MG1"]));
});

Deno.test("a key holds both numbers, and no two pairs share one", () => {
  assert.equal(optOutKey("+16501110001", ["+15550100000"]), "16501110001:15550100000");
  assert.equal(optOutKey("+16501110001", ["+15550100000", "MG1"]), "16501110001:MG1");
  assert.notEqual(optOutKey("+1650111", ["24680"]), optOutKey("+1650111", ["+2468000"]));
});

Deno.test("a phone is one customer by whichever channel it writes, and no other's prefix", () => {
  const key = optOutKey("whatsapp:+16501110001", ["whatsapp:+15550100000"]);
  assert.ok(key.startsWith(optOutKeyPrefix("+16501110001")));
  for (const other of ["+165011100012", "+1650111000", "16501110001x", "Shop:1", "é".repeat(320)]) {
    assert.ok(!key.startsWith(optOutKeyPrefix(other)), other);
    assert.ok(optOutKey(other, ["x".repeat(320)]).length <= 512);
  }
  assert.notEqual(optOutKeyPrefix("a:b"), "a:");
});

Deno.test("an entry of an earlier version is read with the numbers of its key", () => {
  const old = JSON.stringify({ state: "out", eventId: "evt_1", source: "SM1", asOf: "evt_1" });
  const read = (key: string) => decodeEntry(key, old);
  assert.deepEqual(read("16501110001:15550100000"), {
    customer: "+16501110001",
    senders: ["+15550100000"],
    reason: null,
    by: null,
    state: "out",
    eventId: "evt_1",
    source: "SM1",
    asOf: "evt_1",
  });
  assert.deepEqual(read("24680:MG1").senders, ["MG1"]);
  assert.equal(read("24680:MG1").customer, "24680");
});
