import assert from "node:assert/strict";
import { createVirtualClock } from "./virtual_clock.ts";

Deno.test("advance() calls timers in the order in which they fall due, each at its time", () => {
  const clock = createVirtualClock(1_000);
  const fired: [string, number][] = [];
  const note = (name: string) => () => void fired.push([name, clock.now()]);
  clock.after(30, note("late"));
  clock.after(10, note("early"));
  clock.after(10, note("early too"));
  clock.after(31, note("not yet"));
  clock.advance(30);
  assert.deepEqual(fired, [["early", 1_010], ["early too", 1_010], ["late", 1_030]]);
  assert.equal(clock.now(), 1_030);
  assert.equal(clock.pending(), 1);
  assert.equal(clock.nextDueInMs(), 1);
});

Deno.test("advance() calls what its timers arm when that falls due too", () => {
  const clock = createVirtualClock(0);
  const fired: number[] = [];
  const again = () => {
    fired.push(clock.now());
    clock.after(10, again);
  };
  clock.after(10, again);
  clock.advance(35);
  assert.deepEqual(fired, [10, 20, 30]);
  assert.equal(clock.nextDueInMs(), 5);
});

Deno.test("after() can be cancelled, more than once and by another timer", () => {
  const clock = createVirtualClock(0);
  const fired: string[] = [];
  const doomed = clock.after(10, () => fired.push("doomed"));
  clock.after(5, () => doomed.cancel());
  clock.advance(20);
  doomed.cancel();
  assert.deepEqual(fired, []);
  assert.equal(clock.nextDueInMs(), null);
});

Deno.test("whenArmed() waits for that many timers", async () => {
  const clock = createVirtualClock(0);
  const armed = clock.whenArmed(2).then(() => clock.pending());
  clock.after(1, () => {});
  clock.after(1, () => {});
  assert.equal(await armed, 2);
  await clock.whenArmed();
});

Deno.test("advance() refuses to go back", () => {
  assert.throws(() => createVirtualClock().advance(-1), RangeError);
});
