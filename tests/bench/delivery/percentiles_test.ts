import assert from "node:assert/strict";
import { percentilesOf } from "../../../bench/delivery/percentiles.ts";

const ONE_TO_A_HUNDRED = Array.from({ length: 100 }, (_, n) => 100 - n);

const ROWS = [
  { what: "a hundred values in any order", values: ONE_TO_A_HUNDRED, expected: [50, 95, 99] },
  { what: "a single value", values: [7], expected: [7, 7, 7] },
  { what: "values that are alike as texts", values: [9, 10, 100], expected: [10, 100, 100] },
  { what: "no value at all", values: [], expected: [NaN, NaN, NaN] },
] as const;

for (const { what, values, expected } of ROWS) {
  Deno.test(`percentilesOf() takes the nearest rank of ${what}`, () => {
    const { p50, p95, p99 } = percentilesOf(values);
    assert.deepEqual([p50, p95, p99], expected);
  });
}
