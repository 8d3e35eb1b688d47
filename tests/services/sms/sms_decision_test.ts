import assert from "node:assert/strict";
import type { AttemptClass, Decision } from "../../../services/delivery/sink.ts";
import { decideSms, type SmsFinding } from "../../../services/sms/sms_decision.ts";
import { explainSmsError, TWILIO_CODES } from "../../../services/sms/twilio/codes.ts";

const NOW_MS = 1_000_000;
const RETRY_WAITS_MS = [5_000, 30_000, 120_000, 600_000, 1_800_000];

function decide(finding: SmsFinding, random = 0.5) {
  return decideSms(finding, {
    provider: { name: "Twilio", codes: TWILIO_CODES, explain: explainSmsError },
    nowMs: NOW_MS,
    random: () => random,
    retryWaitsMs: RETRY_WAITS_MS,
  });
}

const after = (waitMs: number): Decision => ({ status: "retrying", atMs: NOW_MS + waitMs });
const DEAD: Decision = { status: "dead" };
const UNKNOWN: Decision = { status: "unknown" };

/** In so many milliseconds, and it counts as no attempt. */
const again = (waitMs: number): Decision => ({
  status: "retrying",
  atMs: NOW_MS + waitMs,
  counted: false,
});

const limited = (tries: number, retryAfterMs?: number): SmsFinding => ({
  kind: "rate-limited",
  tries,
  ...(retryAfterMs !== undefined && { retryAfterMs }),
});
const unreachable = (tries: number): SmsFinding => ({
  kind: "not-sent",
  reason: "the connection was refused",
  tries,
});
const noNumber = (tries: number): SmsFinding => ({ kind: "no-customer-number", tries });
const rejected = (code: number | null, tries?: number): SmsFinding => ({
  kind: "rejected",
  code,
  status: 400,
  ...(tries !== undefined && { tries }),
});

type Row = readonly [
  name: string,
  finding: SmsFinding,
  expected: readonly [AttemptClass, Decision, errorCode: number | null],
];

const ROWS: readonly Row[] = [
  ["every part taken", { kind: "sent" }, ["ok", { status: "delivered" }, null]],
  ["a doubt", { kind: "in-doubt", reason: "no answer", atMs: NOW_MS + 7 }, [
    "ambiguous",
    after(7),
    null,
  ]],
  ["a doubt without an end", { kind: "unknown", reason: "not listed" }, [
    "ambiguous",
    UNKNOWN,
    null,
  ]],
  ["a doubt whose words are gone", { kind: "lost" }, ["interrupted", UNKNOWN, null]],
  ["stopping", { kind: "shutdown" }, ["shutdown", after(0), null]],
  ["not its turn", { kind: "held-back", untilMs: NOW_MS + 9, reason: "the limit" }, [
    "held-back",
    again(9),
    null,
  ]],
  ["a lease that is another's", { kind: "fenced" }, ["interrupted", again(0), null]],
  ["an expunged text", { kind: "no-message" }, ["rejected", DEAD, null]],
  ["an endless text", { kind: "too-long" }, ["not-sendable", DEAD, null]],
  ["a blank text", { kind: "blank" }, ["not-sendable", DEAD, null]],
  ["a session that is over", { kind: "too-late" }, ["not-sendable", DEAD, null]],

  ["a number without its country", { kind: "nobodys-number", why: "no-country" }, [
    "no-customer-number",
    DEAD,
    null,
  ]],
  ["a number of two countries", { kind: "nobodys-number", why: "two-countries" }, [
    "no-customer-number",
    DEAD,
    null,
  ]],
  ["another number than before", { kind: "number-changed", inDoubt: false }, [
    "not-sendable",
    DEAD,
    null,
  ]],
  ["another number, and a doubt", { kind: "number-changed", inDoubt: true }, [
    "ambiguous",
    UNKNOWN,
    null,
  ]],
  ["no number, once", noNumber(1), ["no-customer-number", after(5_000), null]],
  ["no number, twice", noNumber(2), ["no-customer-number", after(30_000), null]],
  ["no number, three times", noNumber(3), ["no-customer-number", after(120_000), null]],
  ["no number, four times", noNumber(4), ["no-customer-number", DEAD, null]],

  ["Twilio not reached", unreachable(1), ["connect-failed", after(5_000), null]],
  ["Twilio not reached, four times", unreachable(4), ["connect-failed", after(600_000), null]],
  ["Twilio not reached, five times", unreachable(5), ["connect-failed", after(1_800_000), null]],
  ["Twilio not reached, six times", unreachable(6), ["connect-failed", DEAD, null]],

  ["a rate limit", limited(1), ["rate-limited", after(100), 20429]],
  ["a second rate limit", limited(2), ["rate-limited", after(200), 20429]],
  ["a third rate limit", limited(3), ["rate-limited", after(400), 20429]],
  ["a fourth rate limit", limited(4), ["rate-limited", after(800), 20429]],
  ["a fifth rate limit", limited(5), ["rate-limited", after(5_000), 20429]],
  ["a ninth rate limit", limited(9), ["rate-limited", after(1_800_000), 20429]],
  ["a tenth rate limit", limited(10), ["rate-limited", DEAD, 20429]],
  ["a fifth that asks for 10 s", limited(5, 10_000), ["rate-limited", after(10_000), 20429]],
  ["a ninth that asks for an hour", limited(9, 3_600_000), [
    "rate-limited",
    after(1_800_000),
    20429,
  ]],
  ["a rate limit that asks for 3 s", limited(1, 3_000), ["rate-limited", after(3_000), 20429]],
  ["a rate limit that asks for an hour", limited(1, 3_600_000), [
    "rate-limited",
    after(30_000),
    20429,
  ]],
  ["a rate limit that asks for less", limited(4, 1), ["rate-limited", after(800), 20429]],

  ["class A: 63017", rejected(63017, 1), ["rate-limited", after(100), 63017]],
  ["class A: 63017, five times", rejected(63017, 5), ["rate-limited", after(5_000), 63017]],
  ["class A: 63017, ten times", rejected(63017, 10), ["rate-limited", DEAD, 63017]],
  ["class B: 21611", rejected(21611, 1), ["rate-limited", after(100), 21611]],
  ["class B: 21611, nine times", rejected(21611, 9), ["rate-limited", after(1_800_000), 21611]],
  ["class B: 21611, ten times", rejected(21611, 10), ["rate-limited", DEAD, 21611]],
  ["class E: 21211", rejected(21211), ["rejected", DEAD, 21211]],
  ["class F: 21610", rejected(21610), ["rejected", DEAD, 21610]],
  ["class G: 21617", rejected(21617), ["rejected", DEAD, 21617]],
  ["class H: 20003", rejected(20003), ["rejected", DEAD, 20003]],
  ["class I: 30027", rejected(30027), ["rejected", DEAD, 30027]],
  ["an unknown code", rejected(39999), ["rejected", DEAD, 39999]],
  ["no code", rejected(null), ["rejected", DEAD, null]],
];

for (const [name, finding, [attemptClass, decision, errorCode]] of ROWS) {
  const fate = "atMs" in decision
    ? `another try in ${decision.atMs - NOW_MS} ms`
    : `the status ${decision.status}`;
  Deno.test(`decideSms() makes of ${name} ${fate}`, () => {
    const verdict = decide(finding);
    assert.deepEqual(
      [verdict.class, verdict.decision, verdict.errorCode],
      [attemptClass, decision, errorCode],
    );
    assert.notEqual(verdict.detail, "");
  });
}

const SPREAD: readonly (readonly [SmsFinding, leastMs: number, mostMs: number])[] = [
  [limited(1), 90, 110],
  [unreachable(1), 4_500, 5_500],
  [noNumber(1), 4_500, 5_500],
];

for (const [finding, leastMs, mostMs] of SPREAD) {
  Deno.test(`decideSms() spreads the waits of ${finding.kind} by 10 % to both sides`, () => {
    assert.deepEqual(decide(finding, 0).decision, after(leastMs));
    assert.deepEqual(decide(finding, 1).decision, after(mostMs));
  });
}

Deno.test("decideSms() spreads no wait below what Twilio asked for", () => {
  assert.deepEqual(decide(limited(1, 1_000), 0).decision, after(1_000));
});

Deno.test("decideSms() calls the operator for our own faults only", () => {
  assert.equal(decide(rejected(20003)).action, "alert-operator");
  assert.equal(decide(rejected(30002)).action, "alert-operator");
  assert.equal(decide(rejected(21211)).action, "fail");
});
