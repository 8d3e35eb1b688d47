import assert from "node:assert/strict";
import fc from "fast-check";
import type { TextOutcome } from "../../../services/store/port/text_outcome.ts";
import type { MessageStatus } from "../../../services/sms/provider.ts";
import {
  NOTHING_KNOWN,
  outcomeOfText,
  type Report,
  takeReport,
  type TextStatus,
} from "../../../services/sms/text_status.ts";

const report = (status: MessageStatus, change: Partial<Report> = {}): Report => ({
  messageSid: "SM1",
  part: 1,
  parts: 1,
  status,
  errorCode: status === "failed" || status === "undelivered" ? 30003 : null,
  ...change,
});

/** Takes reports one after the other; gives what is known in the end and what was told on the way. */
function take(reports: readonly Report[], from: TextStatus = NOTHING_KNOWN) {
  let text = from;
  const told: string[] = [];
  for (const each of reports) {
    const change = takeReport(text, each);
    if (change === null) continue;
    text = change.next;
    if (change.event !== null) told.push(change.event.kind);
  }
  return { messages: text.messages, told };
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, at) =>
    permutations(items.toSpliced(at, 1)).map((rest) => [item, ...rest])
  );
}

for (
  const [statuses, end, errorCode, tells] of [
    [["queued", "sending", "sent", "delivered"], "delivered", null, [["delivered"]]],
    [["queued", "sent", "undelivered", "delivered"], "delivered", 30003, [
      ["delivered"],
      ["failed", "delivered"],
    ]],
    [["accepted", "sending", "sent", "failed"], "failed", 30003, [["failed"]]],
    [["sent", "delivered", "read", "failed"], "read", 30003, [["delivered"], [
      "failed",
      "delivered",
    ]]],
  ] as const
) {
  const orders = permutations(statuses);
  Deno.test(`ST-01 all ${orders.length} orders of ${statuses.join(", ")} end in ${end}`, () => {
    assert.equal(orders.length, 24);
    for (const order of orders) {
      const { messages, told } = take(order.map((status) => report(status)));
      assert.deepEqual(messages, { SM1: { part: 1, status: end, errorCode } }, order.join());
      assert.ok(tells.some((tell) => tell.join() === told.join()), `${order} tells ${told}`);
    }
  });
}

Deno.test("ST-02 a report that comes again says nothing new", () => {
  const { next } = takeReport(NOTHING_KNOWN, report("sent")) ?? assert.fail();
  assert.equal(takeReport(next, report("sent")), null);
  assert.equal(takeReport(next, report("queued")), null);
  assert.deepEqual(take([report("failed"), report("failed"), report("undelivered")]).told, [
    "failed",
  ]);
});

Deno.test("ST-04 a text that was given up and is delivered after all is told as both", () => {
  const failed = takeReport(NOTHING_KNOWN, report("undelivered")) ?? assert.fail();
  assert.equal(failed.upgraded, false);
  const delivered = takeReport(failed.next, report("delivered")) ?? assert.fail();
  assert.equal(delivered.upgraded, true);
  assert.deepEqual(delivered.event, { kind: "delivered", messageSid: "SM1" });
  assert.equal(takeReport(delivered.next, report("undelivered")), null);
});

Deno.test("ST-05 an error code is kept, whatever is told later without one or with another", () => {
  const codeAfter = (...reports: Report[]) => take(reports).messages["SM1"]?.errorCode;
  assert.equal(codeAfter(report("failed"), report("undelivered", { errorCode: null })), 30003);
  assert.equal(codeAfter(report("failed"), report("undelivered", { errorCode: 30008 })), 30003);
  assert.equal(codeAfter(report("failed", { errorCode: null }), report("failed")), 30003);
});

Deno.test("ST-05 a code that comes late is kept, and nothing is told twice over it", () => {
  const reports = [report("failed", { errorCode: null }), report("failed")];
  assert.deepEqual(take(reports).told, ["failed"]);
});

const ofPart = (part: number, status: MessageStatus, parts = 3) =>
  report(status, { messageSid: `SM${part}`, part, parts });

Deno.test("a text in three parts is delivered when each is, under the SID of the first", () => {
  const two = take([ofPart(2, "delivered"), ofPart(3, "delivered"), ofPart(1, "sent")]);
  assert.deepEqual(two.told, []);
  const all = takeReport({ messages: two.messages, told: [] }, ofPart(1, "delivered"));
  assert.deepEqual(all?.event, { kind: "delivered", messageSid: "SM1" });
});

Deno.test("a text in three parts fails once, with the first part that does", () => {
  const reports = [ofPart(1, "delivered"), ofPart(3, "failed"), ofPart(2, "failed")];
  const [, first] = reports;
  assert.deepEqual(take(reports).told, ["failed"]);
  assert.deepEqual(takeReport(NOTHING_KNOWN, first ?? assert.fail())?.event, {
    kind: "failed",
    messageSid: "SM3",
    errorCode: 30003,
  });
});

Deno.test("a part that was sent anew has not failed while its other message is under way", () => {
  const anew = (status: MessageStatus) => report(status, { messageSid: "SM9" });
  assert.deepEqual(take([anew("sent"), report("failed")]).told, []);
  assert.deepEqual(take([anew("sent"), report("failed"), anew("delivered")]).told, ["delivered"]);
  assert.deepEqual(take([anew("sent"), report("failed"), anew("failed")]).told, ["failed"]);
});

Deno.test("ST-01 whatever the order and however often, reports on a long text end the same", () => {
  const statuses = fc.constantFrom<MessageStatus>(
    "accepted",
    "queued",
    "sending",
    "sent",
    "canceled",
    "failed",
    "undelivered",
    "delivered",
    "read",
  );
  const reports = fc.array(
    fc.tuple(fc.integer({ min: 1, max: 3 }), statuses).map(([part, status]) =>
      ofPart(part, status)
    ),
    { minLength: 1, maxLength: 12 },
  );
  fc.assert(
    fc.property(reports, fc.infiniteStream(fc.nat()), (all, random) => {
      const shuffled = all
        .flatMap((each) => [each, each])
        .map((each) => ({ each, at: random.next().value ?? 0 }))
        .toSorted((one, other) => one.at - other.at)
        .map(({ each }) => each);
      assert.deepEqual(take(shuffled).messages, take(all).messages);
      const { told } = take(shuffled);
      assert.equal(new Set(told).size, told.length, told.join());
    }),
    { numRuns: 500 },
  );
});

const OUTCOMES: readonly (readonly [
  what: string,
  parts: number,
  messages: readonly (readonly [part: number, status: MessageStatus, errorCode: number | null])[],
  outcome: TextOutcome,
])[] = [
  ["nothing", 1, [], { kind: "sent" }],
  ["sent", 1, [[1, "sent", null]], { kind: "sent" }],
  ["delivered", 1, [[1, "delivered", null]], { kind: "delivered" }],
  ["read", 1, [[1, "read", null]], { kind: "delivered" }],
  ["undelivered", 1, [[1, "undelivered", 30003]], { kind: "undelivered", errorCode: 30003 }],
  ["failed without a code", 1, [[1, "failed", null]], { kind: "undelivered" }],
  ["one of two delivered", 2, [[1, "delivered", null]], { kind: "sent" }],
  ["both delivered", 2, [[2, "delivered", null], [1, "delivered", null]], { kind: "delivered" }],
  ["the second of two canceled", 2, [[2, "canceled", null], [1, "delivered", null]], {
    kind: "undelivered",
  }],
  ["a part that failed and was delivered anew", 1, [[1, "failed", 30008], [
    1,
    "delivered",
    null,
  ]], { kind: "delivered" }],
];

for (const [what, parts, messages, outcome] of OUTCOMES) {
  Deno.test(`outcomeOfText() makes of ${what}, in ${parts} parts: ${outcome.kind}`, () => {
    const known = messages.map(([part, status, errorCode], at) =>
      [`SM${at}`, { part, status, errorCode }] as const
    );
    assert.deepEqual(
      outcomeOfText({ messages: Object.fromEntries(known), told: [] }, parts),
      outcome,
    );
  });
}
