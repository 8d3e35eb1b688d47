import assert from "node:assert/strict";
import fc from "fast-check";
import { createTokenBuckets } from "../../../services/support/token_buckets.ts";

/** Whether each of `count` tokens was there. */
function taken(
  buckets: ReturnType<typeof createTokenBuckets>,
  key: string,
  nowMs: number,
  count = 1,
): boolean[] {
  return Array.from({ length: count }, () => buckets.take(key, nowMs).ok);
}

Deno.test("createTokenBuckets() gives a burst, then as many as the rate allows", () => {
  const buckets = createTokenBuckets({ perSecond: 2, burst: 4 });
  assert.deepEqual(taken(buckets, "a", 0, 6), [true, true, true, true, false, false]);
  assert.deepEqual(taken(buckets, "a", 499), [false]);
  assert.deepEqual(taken(buckets, "a", 500, 2), [true, false]);
  assert.deepEqual(taken(buckets, "a", 1_500, 3), [true, true, false]);
  assert.deepEqual(taken(buckets, "a", 3_600_000, 5), [true, true, true, true, false]);
  assert.deepEqual(taken(buckets, "b", 3_600_000), [true], "another key has another bucket");
});

Deno.test("createTokenBuckets() tells what is left and when there is more", () => {
  const buckets = createTokenBuckets({ perSecond: 0.25, burst: 2 });
  assert.deepEqual(buckets.take("a", 0), { ok: true, left: 1, nextS: 4 });
  assert.deepEqual(buckets.take("a", 3_000), { ok: true, left: 0, nextS: 1 });
  assert.deepEqual(buckets.take("a", 3_500), { ok: false, waitS: 1 });
  assert.deepEqual(buckets.take("a", 4_000), { ok: true, left: 0, nextS: 4 });
});

Deno.test("createTokenBuckets() does not let being refused put off the next token", () => {
  const buckets = createTokenBuckets({ perSecond: 1, burst: 1 });
  taken(buckets, "a", 0);
  for (let nowMs = 100; nowMs < 1_000; nowMs += 100) {
    assert.deepEqual(taken(buckets, "a", nowMs), [false]);
  }
  assert.deepEqual(taken(buckets, "a", 1_000), [true]);
});

Deno.test("createTokenBuckets() takes nothing away when the clock is set back, and goes on filling", () => {
  const buckets = createTokenBuckets({ perSecond: 2, burst: 4 });
  taken(buckets, "a", 3_600_000, 2);
  assert.deepEqual(taken(buckets, "a", 0, 3), [true, true, false]);
  assert.deepEqual(taken(buckets, "a", 500, 2), [true, false], "an hour is not waited for");
  assert.deepEqual(taken(buckets, "b", 500), [true]);
});

Deno.test("createTokenBuckets() gives what one bucket that is never forgotten gives", () => {
  const step = fc.record({
    key: fc.constantFrom("a", "b", "c"),
    waitMs: fc.nat(24).map((n) => n * 125),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const rate = { perSecond: 2, burst: 4 };
      const buckets = createTokenBuckets(rate);
      const tokens = new Map<string, { tokens: number; atMs: number }>();
      let nowMs = 0;
      for (const { key, waitMs } of steps) {
        nowMs += waitMs;
        const known = tokens.get(key) ?? { tokens: rate.burst, atMs: nowMs };
        // In quarters of a token, so that both sides add up the same.
        const filled = Math.min(4, known.tokens + (nowMs - known.atMs) / 1_000 * 2);
        const expected = filled >= 1;
        tokens.set(key, { tokens: expected ? filled - 1 : filled, atMs: nowMs });
        assert.equal(buckets.take(key, nowMs).ok, expected);
      }
    }),
    { seed: 7, numRuns: 200 },
  );
});

Deno.test("createTokenBuckets() forgets whoever has a full bucket anyway", () => {
  const buckets = createTokenBuckets({ perSecond: 50, burst: 100 });
  for (let second = 0; second < 100; second++) {
    for (let key = 0; key < 1_000; key++) buckets.take(`agent-${second}-${key}`, second * 1_000);
  }
  // 100,000 came, of whom those of the last four seconds may not be full.
  assert.ok(buckets.size <= 4_000, `${buckets.size} are remembered`);
});

Deno.test("createTokenBuckets() is emptied by nobody who comes under many names", () => {
  const buckets = createTokenBuckets({ perSecond: 1, burst: 2, maxKeys: 100 });
  assert.deepEqual(taken(buckets, "victim", 0, 3), [true, true, false]);
  let passed = 0;
  for (let name = 0; name < 10_000; name++) {
    if (buckets.take(`name-${name}`, 0).ok) passed++;
  }
  assert.deepEqual(taken(buckets, "victim", 0), [false], "its bucket is as it was");
  assert.deepEqual(taken(buckets, "name-5", 0, 2), [true, false], "and so are theirs");
  assert.equal(passed, 99 + 2, "beyond the bound all share one bucket");
  assert.ok(buckets.size <= 200);
  assert.deepEqual(taken(buckets, "late", 2_000), [true], "until time has passed");
});

for (
  const rate of [
    { perSecond: 0, burst: 1 },
    { perSecond: -1, burst: 1 },
    { perSecond: NaN, burst: 1 },
    { perSecond: Infinity, burst: 1 },
    { perSecond: 1, burst: 0 },
    { perSecond: 1, burst: NaN },
  ]
) {
  Deno.test(`createTokenBuckets() refuses ${Deno.inspect(rate)}`, () => {
    assert.throws(() => createTokenBuckets(rate), RangeError);
  });
}
