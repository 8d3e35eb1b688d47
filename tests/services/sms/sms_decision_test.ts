import assert from "node:assert/strict";
import type { AttemptClass, Decision } from "../../../services/delivery/sink.ts";
import { decideSms, type SmsFinding } from "../../../services/sms/sms_decision.ts";

const NOW_MS = 1_000_000;
const RETRY_WAITS_MS = [5_000, 30_000, 120_000, 600_000, 1_800_000];

function decide(finding: SmsFinding, attempt: number, random = 0.5) {
  return decideSms(finding, {
    attempt,
    nowMs: NOW_MS,
    random: () => random,
    retryWaitsMs: RETRY_WAITS_MS,
  });
}

const after = (waitMs: number): Decision => ({ status: "retrying", atMs: NOW_MS + waitMs });
const DEAD: Decision = { status: "dead" };
const UNKNOWN: Decision = { status: "unknown" };

const limited: SmsFinding = { kind: "rate-limited" };
const unreachable: SmsFinding = { kind: "not-sent", reason: "the connection was refused" };
const noNumber: SmsFinding = { kind: "no-customer-number" };
const rejected = (code: number | null): SmsFinding => ({ kind: "rejected", code, status: 400 });

type Row = readonly [
  name: string,
  finding: SmsFinding,
  attempt: number,
  expected: readonly [AttemptClass, Decision, errorCode: number | null],
];

const ROWS: readonly Row[] = [
  ["taken", { kind: "taken", sid: "SM1", status: "queued" }, 1, [
    "ok",
    { status: "delivered" },
    null,
  ]],
  ["a timeout", { kind: "ambiguous", reason: "no answer" }, 1, ["ambiguous", UNKNOWN, null]],
  ["HTTP 500", { kind: "ambiguous", reason: "HTTP 500", status: 500 }, 1, [
    "ambiguous",
    UNKNOWN,
    null,
  ]],
  ["an interrupted attempt", { kind: "interrupted" }, 2, ["interrupted", UNKNOWN, null]],
  ["stopping before the send", { kind: "shutdown", begun: false }, 9, ["shutdown", after(0), null]],
  ["stopping within the send", { kind: "shutdown", begun: true }, 1, ["shutdown", UNKNOWN, null]],
  ["an expunged text", { kind: "no-message" }, 1, ["rejected", DEAD, null]],

  ["no number yet", noNumber, 1, ["no-customer-number", after(5_000), null]],
  ["no number yet", noNumber, 2, ["no-customer-number", after(30_000), null]],
  ["no number yet", noNumber, 3, ["no-customer-number", after(120_000), null]],
  ["no number", noNumber, 4, ["no-customer-number", DEAD, null]],

  ["Twilio not reached", unreachable, 1, ["connect-failed", after(5_000), null]],
  ["Twilio not reached", unreachable, 4, ["connect-failed", after(600_000), null]],
  ["Twilio not reached", unreachable, 5, ["connect-failed", DEAD, null]],

  ["a rate limit", limited, 1, ["rate-limited", after(100), 20429]],
  ["a rate limit", limited, 2, ["rate-limited", after(200), 20429]],
  ["a rate limit", limited, 3, ["rate-limited", after(400), 20429]],
  ["a rate limit", limited, 4, ["rate-limited", after(800), 20429]],
  ["a rate limit", limited, 5, ["rate-limited", DEAD, 20429]],
  ["a rate limit that asks for 3 s", { kind: "rate-limited", retryAfterMs: 3_000 }, 1, [
    "rate-limited",
    after(3_000),
    20429,
  ]],
  ["a rate limit that asks for an hour", { kind: "rate-limited", retryAfterMs: 3_600_000 }, 1, [
    "rate-limited",
    after(30_000),
    20429,
  ]],
  ["a rate limit that asks for less", { kind: "rate-limited", retryAfterMs: 1 }, 4, [
    "rate-limited",
    after(800),
    20429,
  ]],

  ["class A: 63017", rejected(63017), 1, ["rate-limited", after(100), 63017]],
  ["class A: 63017", rejected(63017), 5, ["rate-limited", DEAD, 63017]],
  ["class B: 21611", rejected(21611), 1, ["rejected", DEAD, 21611]],
  ["class D: 20500 in a 4xx", rejected(20500), 1, ["ambiguous", UNKNOWN, 20500]],
  ["class E: 21211", rejected(21211), 1, ["rejected", DEAD, 21211]],
  ["class F: 21610", rejected(21610), 1, ["rejected", DEAD, 21610]],
  ["class G: 21617", rejected(21617), 1, ["rejected", DEAD, 21617]],
  ["class H: 20003", rejected(20003), 1, ["rejected", DEAD, 20003]],
  ["class I: 30027", rejected(30027), 1, ["rejected", DEAD, 30027]],
  ["an unknown code", rejected(39999), 1, ["rejected", DEAD, 39999]],
  ["no code", rejected(null), 1, ["rejected", DEAD, null]],
];

for (const [name, finding, attempt, [attemptClass, decision, errorCode]] of ROWS) {
  const fate = "atMs" in decision
    ? `another try in ${decision.atMs - NOW_MS} ms`
    : `the status ${decision.status}`;
  Deno.test(`decideSms() makes of ${name}, at attempt ${attempt}, ${fate}`, () => {
    const verdict = decide(finding, attempt);
    assert.deepEqual(
      [verdict.class, verdict.decision, verdict.errorCode],
      [attemptClass, decision, errorCode],
    );
    assert.notEqual(verdict.detail, "");
  });
}

const SPREAD: readonly (readonly [SmsFinding, leastMs: number, mostMs: number])[] = [
  [limited, 90, 110],
  [unreachable, 4_500, 5_500],
  [noNumber, 4_500, 5_500],
];

for (const [finding, leastMs, mostMs] of SPREAD) {
  Deno.test(`decideSms() spreads the waits of ${finding.kind} by 10 % to both sides`, () => {
    assert.deepEqual(decide(finding, 1, 0).decision, after(leastMs));
    assert.deepEqual(decide(finding, 1, 1).decision, after(mostMs));
  });
}

Deno.test("decideSms() spreads no wait below what Twilio asked for", () => {
  const asked: SmsFinding = { kind: "rate-limited", retryAfterMs: 1_000 };
  assert.deepEqual(decide(asked, 1, 0).decision, after(1_000));
});

Deno.test("decideSms() calls the operator for our own faults only", () => {
  assert.equal(decide(rejected(20003), 1).action, "alert-operator");
  assert.equal(decide(rejected(30002), 1).action, "alert-operator");
  assert.equal(decide(rejected(21211), 1).action, "fail");
});
