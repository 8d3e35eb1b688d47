import assert from "node:assert/strict";
import { matchListing } from "../../../services/sms/listing_match.ts";
import type { Begun } from "../../../services/sms/progress.ts";
import type { ListedMessage } from "../../../services/sms/provider.ts";

const NOW_MS = Date.UTC(2026, 10, 22, 10);

const begun: Begun = {
  kind: "begun",
  firstAtMs: NOW_MS,
  atMs: NOW_MS,
  endedAtMs: NOW_MS + 100,
  answered: true,
  calls: 1,
  lookUps: 0,
};
const doubt = { begun, sender: { from: "+15005550006" }, body: "Hello" };

const listed = (change: Partial<ListedMessage> = {}): ListedMessage => ({
  sid: "SM1",
  from: "+15005550006",
  pool: null,
  body: "Hello",
  outbound: true,
  createdAtMs: NOW_MS,
  ...change,
});

type Row = readonly [
  name: string,
  messages: readonly ListedMessage[],
  expected: "clear" | "unclear" | string,
  known?: readonly string[],
];

const ROWS: readonly Row[] = [
  ["nothing", [], "clear"],
  ["the text", [listed()], "SM1"],
  ["the text with other line ends", [listed({ body: " Hello\r\n" })], "SM1"],
  ["the text as that of a message which is known", [listed()], "clear", ["SM1"]],
  ["the text twice", [listed({ sid: "SM2", createdAtMs: NOW_MS + 9_000 }), listed()], "SM1"],
  ["the text twice, once known", [listed(), listed({ sid: "SM2" })], "SM2", ["SM1"]],
  ["the text of an hour ago", [listed({ createdAtMs: NOW_MS - 3_600_000 })], "clear"],
  ["the text of two seconds ago, by clocks in whole seconds", [
    listed({ createdAtMs: NOW_MS - 2_000 }),
  ], "SM1"],
  ["the text from another sender", [listed({ from: "+15005550007" })], "clear"],
  ["the text as the customer wrote it", [listed({ outbound: false })], "clear"],
  ["other words at that time", [listed({ body: "Hello!" })], "unclear"],
  ["other words that are known", [listed({ body: "Hello!" })], "clear", ["SM1"]],
  ["a redacted text", [listed({ body: "" })], "unclear"],
];

for (const [name, messages, expected, known = []] of ROWS) {
  Deno.test(`matchListing() finds in a list with ${name}: ${expected}`, () => {
    const list = { kind: "listed", messages, complete: true, aheadMs: 0 } as const;
    const match = matchListing(doubt, list, new Set(known));
    assert.equal(match.kind === "found" ? match.sid : match.kind, expected);
  });
}

Deno.test("matchListing() calls nothing clear in a list that was not read to its end", () => {
  const list = { kind: "listed", messages: [], complete: false, aheadMs: 0 } as const;
  assert.equal(matchListing(doubt, list, new Set()).kind, "unclear");
});

Deno.test("matchListing() goes by the provider's clock, whatever ours says", () => {
  const aheadMs = 600_000;
  const list = (createdAtMs: number) =>
    ({
      kind: "listed",
      messages: [listed({ createdAtMs })],
      complete: true,
      aheadMs,
    }) as const;
  assert.equal(matchListing(doubt, list(NOW_MS + aheadMs), new Set()).kind, "found");
  assert.equal(matchListing(doubt, list(NOW_MS), new Set()).kind, "clear");
  const untold = { ...list(NOW_MS - 59_000), aheadMs: null };
  assert.equal(matchListing(doubt, untold, new Set()).kind, "found");
});

Deno.test("matchListing() takes any sender where the one it left from is not known", () => {
  const messages = [listed({ from: "+15005550007" })];
  const list = { kind: "listed", messages, complete: true, aheadMs: 0 } as const;
  assert.equal(matchListing({ ...doubt, sender: null }, list, new Set()).kind, "found");
});

Deno.test("matchListing() knows a pool by its name, whatever number it chose", () => {
  const pool = `MG${"0".repeat(32)}`;
  const messages = [listed({ from: "+15005550107", pool })];
  const list = { kind: "listed", messages, complete: true, aheadMs: 0 } as const;
  const sender = { pool };
  assert.equal(matchListing({ ...doubt, sender }, list, new Set()).kind, "found");
});
