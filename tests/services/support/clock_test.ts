import assert from "node:assert/strict";
import { systemClock } from "../../../services/support/clock.ts";

Deno.test("systemClock tells Unix milliseconds", () => {
  const before = Date.now();
  const now = systemClock.now();
  assert.ok(before <= now && now <= Date.now());
});

Deno.test("systemClock.after() calls once the time has come", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  systemClock.after(1, resolve);
  await promise;
});

Deno.test("systemClock.after() does not call once cancelled, however often", async () => {
  const calls: string[] = [];
  const cancelled = systemClock.after(0, () => calls.push("cancelled"));
  cancelled.cancel();
  cancelled.cancel();
  const { promise, resolve } = Promise.withResolvers<void>();
  const later = systemClock.after(1, resolve);
  await promise;
  later.cancel();
  assert.deepEqual(calls, []);
});

for (const delayMs of [2 ** 31, 1e15, Infinity]) {
  Deno.test(`systemClock.after() does not call at once for a delay of ${delayMs} ms`, async () => {
    const calls: string[] = [];
    const distant = systemClock.after(delayMs, () => calls.push("distant"));
    const { promise, resolve } = Promise.withResolvers<void>();
    systemClock.after(20, resolve);
    await promise;
    distant.cancel();
    assert.deepEqual(calls, []);
  });
}

Deno.test("systemClock.after() calls at once for a time that has passed", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  systemClock.after(-1000, resolve);
  await promise;
});
