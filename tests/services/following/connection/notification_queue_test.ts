import assert from "node:assert/strict";
import { StoreUnavailable } from "../../../../services/errors.ts";
import { createNotificationQueue } from "../../../../services/following/connection/notification_queue.ts";
import type { HeardNotification } from "../../../../services/following/resync/notification_writer.ts";
import { createVirtualClock } from "../../../support/virtual_clock.ts";

function start({ capacity = 1_000 } = {}) {
  const clock = createVirtualClock();
  const written: string[] = [];
  let isAway = false;
  let overflows = 0;
  const queue = createNotificationQueue({
    write({ dataText }: HeardNotification) {
      if (isAway) return Promise.reject(new StoreUnavailable("write"));
      written.push(dataText);
      return Promise.resolve();
    },
    capacity,
    onOverflow: () => overflows++,
    clock,
    random: () => 0,
  });
  return {
    clock,
    written,
    queue,
    away: (yes: boolean) => isAway = yes,
    overflows: () => overflows,
    /** Lets the next try be made. */
    async retry() {
      await clock.whenArmed();
      clock.advance(clock.nextDueInMs() ?? 0);
    },
  };
}

Deno.test("what is heard is written in order", async () => {
  const { queue, written } = start();
  for (const text of ["1", "2", "3"]) queue.hear(text);
  await queue.idle();
  assert.deepEqual(written, ["1", "2", "3"]);
});

Deno.test("what was asked for goes before what was heard meanwhile", async () => {
  const { queue, written } = start();
  queue.hold();
  queue.hear("heard");
  await queue.insert("asked for");
  assert.deepEqual(written, ["asked for"]);
  assert.deepEqual(queue.held(), ["heard"]);
  queue.release();
  await queue.idle();
  assert.deepEqual(written, ["asked for", "heard"]);
});

Deno.test("while the store is away nothing is skipped, and the order stays", async () => {
  const { queue, written, away, retry } = start();
  away(true);
  for (const text of ["1", "2"]) queue.hear(text);
  for (let tries = 0; tries < 3; tries++) await retry();
  assert.deepEqual(written, []);
  away(false);
  await retry();
  await queue.idle();
  assert.deepEqual(written, ["1", "2"]);
});

Deno.test("over its capacity it drops everything and hears nothing more until it is held anew", async () => {
  const { queue, written, away, retry, overflows } = start({ capacity: 3 });
  away(true);
  for (const text of ["1", "2", "3", "4", "5"]) queue.hear(text);
  assert.equal(overflows(), 1);
  away(false);
  await retry();
  await queue.idle();
  queue.hear("6");
  await queue.idle();
  assert.deepEqual(written, ["1"], "2 is missing, so nothing after it may be written");

  queue.hold();
  queue.hear("7");
  queue.release();
  await queue.idle();
  assert.deepEqual(written, ["1", "7"]);
});

Deno.test("stop() gives up what is left and whoever waits for it", async () => {
  const { queue, written, away, clock } = start();
  away(true);
  const inserted = queue.insert("1");
  queue.hear("2");
  await clock.whenArmed();
  await queue.stop();
  await inserted;
  assert.deepEqual(written, []);
  assert.equal(clock.pending(), 0);
});
