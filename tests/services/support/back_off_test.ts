import assert from "node:assert/strict";
import { backOffMs, jittered } from "../../../services/support/back_off.ts";

const BOUNDS = { firstMs: 1_000, longestMs: 8_000 };

for (
  const [failures, shortestMs, longestMs] of [
    [1, 500, 1_000],
    [2, 1_000, 2_000],
    [4, 4_000, 8_000],
    [5, 4_000, 8_000],
    [1_000, 4_000, 8_000],
  ] as const
) {
  Deno.test(`after ${failures} failures in a row the wait is from ${shortestMs} ms to ${longestMs} ms`, () => {
    assert.equal(backOffMs(failures, BOUNDS, () => 0), shortestMs);
    const almostLongestMs = backOffMs(failures, BOUNDS, () => 0.999_999);
    assert.ok(almostLongestMs > longestMs - 1 && almostLongestMs < longestMs);
  });
}

Deno.test("chance takes no more than half off a wait", () => {
  assert.deepEqual([0, 0.5].map((random) => jittered(100, () => random)), [50, 75]);
});
