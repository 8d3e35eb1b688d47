import assert from "node:assert/strict";
import { afterTogether } from "../../../services/support/shared_timer.ts";
import { createVirtualClock } from "../../support/virtual_clock.ts";

Deno.test("waits of one length end each at its own time, over one timer of the clock", () => {
  const clock = createVirtualClock();
  const ended: [string, number][] = [];
  const startedAtMs = clock.now();
  const begin = (name: string) =>
    afterTogether(clock, 1_000, () => ended.push([name, clock.now() - startedAtMs]));
  begin("a");
  begin("b");
  clock.advance(300);
  begin("c");
  clock.advance(1);
  begin("d");
  assert.equal(clock.pending(), 1);
  clock.advance(2_000);
  assert.deepEqual(ended, [["a", 1_000], ["b", 1_000], ["c", 1_300], ["d", 1_301]]);
  assert.equal(clock.pending(), 0);
});

Deno.test("waits that are called off leave the others their time, and the last one leaves no timer", () => {
  const clock = createVirtualClock();
  const ended: string[] = [];
  const begin = (name: string) => afterTogether(clock, 1_000, () => ended.push(name));
  const a = begin("a");
  clock.advance(400);
  const b = begin("b");
  const c = begin("c");
  a.cancel();
  b.cancel();
  b.cancel();
  clock.advance(999);
  assert.deepEqual(ended, []);
  clock.advance(1);
  assert.deepEqual(ended, ["c"]);
  c.cancel();
  const d = begin("d");
  d.cancel();
  assert.equal(clock.pending(), 0);
});

Deno.test("waits of other lengths, and by other clocks, keep out of each other's way", () => {
  const clock = createVirtualClock();
  const other = createVirtualClock();
  const ended: string[] = [];
  afterTogether(clock, 1_000, () => ended.push("long"));
  afterTogether(clock, 10, () => ended.push("short"));
  afterTogether(other, 5, () => ended.push("other"));
  clock.advance(10);
  assert.deepEqual(ended, ["short"]);
  other.advance(5);
  clock.advance(990);
  assert.deepEqual(ended, ["short", "other", "long"]);
});

Deno.test("one who begins to wait when another ends has all of his time", () => {
  const clock = createVirtualClock();
  const ended: number[] = [];
  const startedAtMs = clock.now();
  const again = () => {
    ended.push(clock.now() - startedAtMs);
    if (ended.length < 3) afterTogether(clock, 100, again);
  };
  afterTogether(clock, 100, again);
  clock.advance(1_000);
  assert.deepEqual(ended, [100, 200, 300]);
});

Deno.test("a wall clock that is set forward or back lets nobody wait for more than twice as long", () => {
  for (const jumpMs of [-3_600_000, 3_600_000]) {
    const inner = createVirtualClock();
    let shiftMs = 0;
    const clock = { now: () => inner.now() + shiftMs, after: inner.after };
    const ended: string[] = [];
    afterTogether(clock, 1_000, () => ended.push("before"));
    inner.advance(500);
    shiftMs = jumpMs;
    afterTogether(clock, 1_000, () => ended.push("after"));
    inner.advance(500);
    assert.deepEqual(ended, ["before"]);
    inner.advance(1_000);
    assert.deepEqual(ended, ["before", "after"]);
  }
});
