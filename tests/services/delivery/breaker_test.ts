import assert from "node:assert/strict";
import { afterOutcome, type Breaker, CLOSED, stateOf } from "../../../services/delivery/breaker.ts";

const T0 = Date.UTC(2026, 10, 22, 10);
const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** Outcomes at their times, each as [milliseconds from T0, failed, lane]. */
function run(outcomes: readonly (readonly [number, boolean, string?])[], from: Breaker = CLOSED) {
  return outcomes.reduce(
    (breaker, [ms, failed, lane]) =>
      afterOutcome(breaker, { nowMs: T0 + ms, failed, lane: lane ?? `lane ${ms % 7}` }),
    from,
  );
}

const failures = (count: number, everyMs: number, fromMs = 0) =>
  Array.from({ length: count }, (_, n) => [fromMs + n * everyMs, true] as const);

const opened = run(failures(10, 600));

Deno.test("a breaker is closed until something has failed", () => {
  assert.equal(stateOf(CLOSED, T0), "closed");
  assert.equal(stateOf(run([[0, false], [1, true]]), T0 + 1), "closed");
});

Deno.test("ten failures in a row over five seconds open it for 30 s", () => {
  assert.equal(stateOf(run(failures(9, 700)), T0 + 6_000), "closed");
  assert.equal(stateOf(opened, T0 + 5_400), "open");
  assert.equal(stateOf(opened, T0 + 5_400 + 30 * SECOND - 1), "open");
  assert.equal(stateOf(opened, T0 + 5_400 + 30 * SECOND), "half-open");
});

Deno.test("ten failures within a moment do not: a flaky consumer under load has such rows by chance", () => {
  assert.equal(stateOf(run(failures(30, 100)), T0 + 2_900), "closed");
});

Deno.test("the retries of one or two sessions do not open it, however many", () => {
  const two = failures(40, SECOND).map(([ms]) => [ms, true, `lane ${ms / SECOND % 2}`] as const);
  assert.equal(stateOf(run(two), T0 + 40 * SECOND), "closed");
});

Deno.test("a success in between starts the row anew", () => {
  const broken = [...failures(9, 600), [5_600, false] as const, ...failures(9, 600, 6_000)];
  assert.equal(stateOf(run(broken), T0 + 11 * SECOND), "closed");
});

for (const [failed, state] of [[6, "closed"], [7, "open"]] as const) {
  Deno.test(`${failed} failures of 10 over minutes leave it ${state}`, () => {
    const outcomes = Array.from({ length: 10 }, (_, n) =>
      // The failures last, so that they are on three lanes at the end; a success breaks their row once.
      [n * 20 * SECOND + 1, n >= 10 - failed, `lane ${n}`] as const);
    assert.equal(stateOf(run(outcomes), T0 + 181 * SECOND), state);
  });
}

Deno.test("what is older than five minutes does not count", () => {
  const old = failures(6, SECOND);
  const later = [[1, false], [2, false], [3, false], [4, true], [5, true], [6, true]] as const;
  const outcomes = [
    ...old,
    ...later.map(([s, failed]) => [6 * MINUTE + s * SECOND, failed] as const),
  ];
  assert.equal(stateOf(run(outcomes), T0 + 7 * MINUTE), "closed");
});

Deno.test("a probe that succeeds closes it and forgets", () => {
  assert.equal(run([[40 * SECOND, false]], opened), CLOSED);
});

Deno.test("a probe that fails opens it for twice as long, up to 15 minutes", () => {
  let breaker = opened;
  const waits: number[] = [];
  for (let probe = 0; probe < 7; probe++) {
    const nowMs = breaker.openUntilMs;
    breaker = afterOutcome(breaker, { nowMs, failed: true, lane: "probe" });
    waits.push((breaker.openUntilMs - nowMs) / SECOND);
  }
  assert.deepEqual(waits, [60, 120, 240, 480, 900, 900, 900]);
});

Deno.test("what ends while it is open does not reopen or close it", () => {
  const during = run([[6 * SECOND, false], [7 * SECOND, true]], opened);
  assert.equal(during.openUntilMs, opened.openUntilMs);
  assert.equal(stateOf(during, T0 + 8 * SECOND), "open");
});
