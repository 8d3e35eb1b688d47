import assert from "node:assert/strict";
import type { Answer } from "./client.ts";
import { assertProblem } from "./problem.ts";

const ANSWERED_WITHIN_MS = 2_000;

/** The answer while the store is away: in time, and it says when to come again. */
export function assertStoreUnavailable(answer: Answer): void {
  assertProblem(answer, "store-unavailable");
  assert.ok(Number(answer.headers.get("retry-after")) > 0);
  assert.ok(answer.tookMs < ANSWERED_WITHIN_MS, `answered after ${Math.round(answer.tookMs)} ms`);
}

/** Asks again and again until the answer has this status. */
export async function backAgain(
  ask: () => Promise<Answer>,
  status: number,
  withinMs: number,
): Promise<void> {
  const startedMs = performance.now();
  for (;;) {
    const answer = await ask();
    if (answer.status === status) return;
    const elapsedMs = performance.now() - startedMs;
    assert.ok(elapsedMs < withinMs, `after ${elapsedMs} ms still ${answer.text}`);
  }
}
