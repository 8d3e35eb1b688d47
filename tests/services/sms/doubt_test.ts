import assert from "node:assert/strict";
import { lookUpWaitMs, matchListing } from "../../../services/sms/doubt.ts";
import type { Begun } from "../../../services/sms/progress.ts";
import { createTwilioListing, type ListedMessage } from "../../../services/sms/twilio/listing.ts";
import { startTwilio } from "../../../simulator/twilio/server.ts";
import { postGood, TO } from "../../simulator/twilio/client.ts";
import { createVirtualClock } from "../../support/virtual_clock.ts";

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
  messagingServiceSid: null,
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

Deno.test("matchListing() goes by Twilio's clock, whatever ours says", () => {
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

Deno.test("matchListing() knows a messaging service by its SID, whatever number it chose", () => {
  const messagingServiceSid = `MG${"0".repeat(32)}`;
  const messages = [listed({ from: "+15005550107", messagingServiceSid })];
  const list = { kind: "listed", messages, complete: true, aheadMs: 0 } as const;
  const sender = { messagingServiceSid };
  assert.equal(matchListing({ ...doubt, sender }, list, new Set()).kind, "found");
});

Deno.test("lookUpWaitMs() begins within 2 s, follows the ladder, and ends", () => {
  const waits = (ladder: number[]) => [0, 1, 2, 3, 4].map((n) => lookUpWaitMs(n, ladder));
  assert.deepEqual(waits([5_000, 30_000, 120_000, 600_000]), [2_000, 5_000, 30_000, 120_000, null]);
  assert.deepEqual(waits([50, 100, 150]), [50, 50, 100, 150, null]);
  assert.deepEqual(waits([7_000]), [2_000, 7_000, 7_000, 7_000, null]);
});

Deno.test("list() reads page after page, tells Twilio's time, and where it stopped", async () => {
  const clock = createVirtualClock();
  await using twilio = await startTwilio({ clock });
  for (let n = 1; n <= 5; n++) await postGood(twilio, { Body: `Text ${n}` });
  await postGood(twilio, { To: "+12025550199" });
  const listing = createTwilioListing({
    accountSid: twilio.accountSid,
    authToken: twilio.authToken,
    apiUrl: new URL(twilio.url),
    timeoutMs: 10_000,
    fetch,
    now: () => clock.now() - 5_000,
  });
  const read = async (maxPages: number) => {
    const result = await listing.list({ to: TO, pageSize: 2, maxPages });
    assert(result.kind === "listed");
    return result;
  };
  const all = await read(5);
  assert.deepEqual([all.messages.length, all.complete, all.aheadMs], [5, true, 5_000]);
  assert.deepEqual(
    new Set(all.messages.map(({ body }) => body)),
    new Set(["Text 1", "Text 2", "Text 3", "Text 4", "Text 5"]),
  );
  assert.equal(all.messages[0]?.createdAtMs, clock.now());
  const some = await read(2);
  assert.deepEqual([some.messages.length, some.complete], [4, false]);
});

Deno.test("list() ends in the time that all its pages have together", async () => {
  const clock = createVirtualClock();
  const waited: number[] = [];
  await using twilio = await startTwilio({ clock });
  for (let n = 1; n <= 3; n++) await postGood(twilio, { Body: `Text ${n}` });
  const listing = createTwilioListing({
    accountSid: twilio.accountSid,
    authToken: twilio.authToken,
    apiUrl: new URL(twilio.url),
    timeoutMs: 10_000,
    fetch: (input, init) => {
      clock.advance(4_000);
      waited.push(clock.now());
      return fetch(input, init);
    },
    now: clock.now,
  });
  const request = { to: TO, pageSize: 1, maxPages: 3 };
  assert.equal((await listing.list(request)).kind, "listed");
  assert.equal(waited.length, 3);
  assert.partialDeepStrictEqual(await listing.list({ ...request, withinMs: 4_000 }), {
    kind: "failed",
    passing: true,
    reason: "the look-up failed: no answer within 0 ms",
  });
});

const FAILURES = [
  [{ kind: "status", status: 500 }, true],
  [{ kind: "status", status: 429 }, true],
  [{ kind: "status", status: 404 }, false],
  [{ kind: "status", status: 200, body: "no JSON" }, false],
  [{ kind: "status", status: 200, body: { messages: [{ sid: 7 }] } }, false],
  [{ kind: "reset" }, true],
] as const;

for (const [fault, passing] of FAILURES) {
  Deno.test(`list() tells of ${JSON.stringify(fault)} that it is ${passing ? "" : "not "}passing`, async () => {
    await using twilio = await startTwilio();
    twilio.faults.next(fault);
    const listing = createTwilioListing({
      accountSid: twilio.accountSid,
      authToken: twilio.authToken,
      apiUrl: new URL(twilio.url),
      timeoutMs: 10_000,
      fetch,
      now: Date.now,
    });
    const result = await listing.list({ pageSize: 1, maxPages: 1 });
    assert.partialDeepStrictEqual(result, { kind: "failed", passing });
  });
}
