import assert from "node:assert/strict";
import { createClientTimers } from "../../../../services/following/cometd/client_timers.ts";
import { createVirtualClock } from "../../../support/virtual_clock.ts";

/** Connects that were answered at once with so many messages each. */
function start(answers: readonly number[], { tookMs = 0 } = {}) {
  const clock = createVirtualClock();
  const timers = createClientTimers(clock);
  for (const messages of answers) timers.noteConnectAnswered(clock.now() - tookMs, messages);
  timers.set(() => {}, 0);
  return clock.nextDueInMs();
}

const SIX_EMPTY = [1, 1, 1, 1, 1, 1];

Deno.test("connects that are answered at once and with nothing, six in a row, are made to wait", () => {
  assert.equal(start(SIX_EMPTY.slice(1)), 0);
  assert.equal(start(SIX_EMPTY), 1_000);
});

Deno.test("an answer that brings something, or that the server has held, ends the row", () => {
  assert.equal(start([...SIX_EMPTY, 2]), 0);
  assert.equal(start(SIX_EMPTY, { tookMs: 100 }), 0);
});

Deno.test("a longer wait stays as it is", () => {
  const clock = createVirtualClock();
  const timers = createClientTimers(clock);
  for (const messages of SIX_EMPTY) timers.noteConnectAnswered(clock.now(), messages);
  timers.set(() => {}, 5_000);
  assert.equal(clock.nextDueInMs(), 5_000);
});

Deno.test("a cleared timer does not run, and cancelAll() leaves none", () => {
  const clock = createVirtualClock();
  const timers = createClientTimers(clock);
  const ran: string[] = [];
  timers.clear(timers.set(() => ran.push("cleared"), 10));
  timers.clear(null);
  timers.set(() => ran.push("kept"), 10);
  clock.advance(10);
  timers.set(() => ran.push("cancelled"), 10);
  timers.cancelAll();
  clock.advance(10);
  assert.deepEqual([ran, clock.pending()], [["kept"], 0]);
});
