import assert from "node:assert/strict";
import { assertLinear, isLinear } from "./linear_time.ts";

/** Looks at `count` places of a table. */
function look(count: number): number {
  let sum = 0;
  for (let at = 0; at < count; at++) sum = (sum * 31 + at) | 0;
  return sum;
}

Deno.test("assertLinear() lets through what looks at everything once", () =>
  assertLinear(5_000_000, (size) => () => look(size)));

Deno.test("assertLinear() fails for what looks at everything once for each of its parts", () =>
  assert.rejects(
    assertLinear(6_000, (size) => () => look(size * size), { patienceMs: 100 }),
    /Cannot call this linear/,
  ));

Deno.test("assertLinear() fails for what is linear and takes too long", () =>
  assert.rejects(
    assertLinear(5_000_000, (size) => () => look(size), { mostMs: 0.01, patienceMs: 0 }),
    /Cannot call this cheap/,
  ));

Deno.test("what takes next to no time at its largest is linear", () => {
  assert.equal(isLinear({ onceMs: 0.1, twiceMs: 1.5 }), true);
  assert.equal(isLinear({ onceMs: 1, twiceMs: 2.4 }), true);
  assert.equal(isLinear({ onceMs: 1, twiceMs: 4 }), false);
});
