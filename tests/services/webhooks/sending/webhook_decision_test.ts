import assert from "node:assert/strict";
import {
  decideAttempt,
  healthOf,
  LONGEST_RETRY_AFTER_MS,
  type WebhookOutcome,
} from "../../../../services/webhooks/sending/webhook_decision.ts";

const NOW_MS = Date.parse("2026-11-22T10:00:00.000Z");
const SECOND = 1_000;
// The waits of DESIGN §4.
const WAITS_S = [5, 30, 120, 600, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000];
const WAITS_MS = WAITS_S.map((waitS) => waitS * SECOND);

// 0.5 is the middle of the jitter, where waits are as configured.
function decide(
  attempt: number,
  outcome: WebhookOutcome,
  { random = 0.5, retryWaitsMs = WAITS_MS as readonly number[] } = {},
) {
  return decideAttempt({ attempt, outcome, nowMs: NOW_MS, retryWaitsMs, random: () => random });
}

function answer(status: number, retryAfterMs?: number): WebhookOutcome {
  return retryAfterMs === undefined
    ? { kind: "answer", status }
    : { kind: "answer", status, retryAfterMs };
}

/** How many attempts a delivery gets when each comes to the same. */
function attemptsOf(outcome: WebhookOutcome, retryWaitsMs: readonly number[] = WAITS_MS): number {
  for (let attempt = 1;; attempt++) {
    if (decide(attempt, outcome, { retryWaitsMs }).decision.status !== "retrying") return attempt;
  }
}

const after = (waitMs: number) => ({ status: "retrying", atMs: NOW_MS + waitMs });
const DELIVERED = { decision: { status: "delivered" }, disable: false };
const DEAD = { decision: { status: "dead" }, disable: false };

for (const status of [200, 201, 202, 204, 299]) {
  Deno.test(`${status} is delivered`, () => assert.deepEqual(decide(1, answer(status)), DELIVERED));
}

Deno.test("410 is dead at once and disables the webhook", () => {
  assert.deepEqual(decide(1, answer(410)), { decision: { status: "dead" }, disable: true });
});

for (const status of [400, 401, 402, 403, 404, 405, 409, 413, 415, 418, 421, 422, 451, 499]) {
  Deno.test(`${status} gets the short ladder: 3 attempts`, () => {
    assert.equal(attemptsOf(answer(status)), 3);
    assert.deepEqual(decide(2, answer(status)).decision, after(30 * SECOND));
    assert.deepEqual(decide(3, answer(status)), DEAD);
  });
}

for (const status of [300, 301, 302, 304, 307, 308, 408, 425, 429, 500, 501, 502, 503, 504, 599]) {
  Deno.test(`${status} is a failure with the whole ladder: 11 attempts`, () => {
    assert.equal(attemptsOf(answer(status)), 11);
  });
}

for (const kind of ["timeout", "connect-failed", "connection-lost"] as const) {
  Deno.test(`${kind} gets the whole ladder`, () => {
    assert.equal(attemptsOf({ kind: "failure", class: kind }), 11);
  });
}

Deno.test("a URL that the egress guard refuses gets the short ladder, as its answer seldom changes", () => {
  assert.equal(attemptsOf({ kind: "failure", class: "egress-refused" }), 3);
});

Deno.test("a webhook that is gone makes its deliveries dead at once", () => {
  assert.deepEqual(decide(1, { kind: "failure", class: "sink-missing" }), DEAD);
});

Deno.test("what is for a disabled webhook is held, whichever attempt it would have been", () => {
  for (const attempt of [1, 11]) {
    const held = { decision: { status: "held" }, disable: false };
    assert.deepEqual(decide(attempt, { kind: "failure", class: "sink-disabled" }), held);
  }
});

const HEALTH: readonly [outcome: WebhookOutcome, health: "success" | "failure" | null][] = [
  [answer(200), "success"],
  [answer(299), "success"],
  [answer(302), "failure"],
  [answer(404), "failure"],
  [answer(410), "failure"],
  [answer(429), "failure"],
  [answer(500), "failure"],
  [{ kind: "failure", class: "timeout" }, "failure"],
  [{ kind: "failure", class: "connect-failed" }, "failure"],
  [{ kind: "failure", class: "connection-lost" }, "failure"],
  [{ kind: "failure", class: "egress-refused" }, null],
  [{ kind: "failure", class: "sink-missing" }, null],
  [{ kind: "failure", class: "sink-disabled" }, null],
  [{ kind: "failure", class: "shutdown" }, null],
];

for (const [outcome, health] of HEALTH) {
  const what = outcome.kind === "answer" ? outcome.status : outcome.class;
  Deno.test(`for the health of a webhook ${what} is ${health ?? "nothing"}`, () => {
    assert.equal(healthOf(outcome), health);
  });
}

Deno.test("a shutdown puts the attempt back at once, even the last one", () => {
  for (const attempt of [1, 11]) {
    const { decision } = decide(attempt, { kind: "failure", class: "shutdown" });
    assert.deepEqual(decision, after(0));
  }
});

Deno.test("each wait of the ladder follows the attempt of its number", () => {
  WAITS_MS.forEach((waitMs, index) => {
    assert.deepEqual(decide(index + 1, answer(500)).decision, after(waitMs));
  });
  assert.deepEqual(decide(11, answer(500)), DEAD);
});

Deno.test("no waits make one attempt, and a ladder shorter than the short one stays as short", () => {
  assert.equal(attemptsOf(answer(500), []), 1);
  assert.equal(attemptsOf(answer(404), []), 1);
  assert.equal(attemptsOf(answer(404), [SECOND]), 2);
});

for (const { random, factor } of [{ random: 0, factor: 0.8 }, { random: 0.999999, factor: 1.2 }]) {
  Deno.test(`jitter of ${random} makes a wait ${factor} times as long`, () => {
    const { decision } = decide(3, answer(500), { random });
    assert.ok(decision.status === "retrying");
    assert.ok(Math.abs(decision.atMs - NOW_MS - 120 * SECOND * factor) <= 1);
    assert.ok(Number.isSafeInteger(decision.atMs));
  });
}

for (const status of [429, 503]) {
  Deno.test(`${status} is never tried again before Retry-After, nor sooner than the ladder says`, () => {
    assert.deepEqual(decide(1, answer(status, 90 * SECOND), { random: 0 }).decision, after(90_000));
    assert.deepEqual(decide(2, answer(status, 1 * SECOND)).decision, after(30 * SECOND));
    assert.deepEqual(decide(1, answer(status, 0)).decision, after(5 * SECOND));
  });

  Deno.test(`${status} may put a delivery off for six hours at most`, () => {
    const { decision } = decide(1, answer(status, 7 * 24 * 60 * 60 * SECOND));
    assert.deepEqual(decision, after(LONGEST_RETRY_AFTER_MS));
    assert.equal(LONGEST_RETRY_AFTER_MS, 6 * 60 * 60 * SECOND);
  });
}

for (const status of [302, 404, 408, 413, 500, 502]) {
  Deno.test(`the Retry-After of a ${status} is not heeded`, () => {
    assert.deepEqual(decide(1, answer(status, 90 * SECOND)).decision, after(5 * SECOND));
  });
}

Deno.test("Retry-After adds no attempt to the ladder", () => {
  assert.equal(attemptsOf(answer(429, SECOND)), 11);
});
