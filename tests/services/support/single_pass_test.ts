import assert from "node:assert/strict";
import { createSinglePass } from "../../../services/support/single_pass.ts";
import { createVirtualClock } from "../../support/virtual_clock.ts";

function start({ pass }: { readonly pass?: () => Promise<void> } = {}) {
  const clock = createVirtualClock();
  const failures: unknown[] = [];
  let passes = 0;
  const work = createSinglePass({
    pass: pass === undefined ? () => (passes++, Promise.resolve()) : () => (passes++, pass()),
    nextAtMs: () => clock.now() + 60_000,
    onFailing: (error) => failures.push(error),
    clock,
    random: () => 0,
  });
  return { clock, work, failures, passes: () => passes };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

Deno.test("nothing is done before start(), which makes the first pass", async () => {
  const { work, passes } = start();
  work.wake();
  await settle();
  assert.equal(passes(), 0);
  work.start();
  await settle();
  assert.equal(passes(), 1);
  await work.stop();
});

Deno.test("a pass is made when it is due although nobody asks for it", async () => {
  const { clock, work, passes } = start();
  work.start();
  await settle();
  clock.advance(59_999);
  await settle();
  assert.equal(passes(), 1);
  clock.advance(1);
  await settle();
  assert.equal(passes(), 2);
  await work.stop();
});

Deno.test("however often it is woken during a pass, one more follows and never two at a time", async () => {
  let running = 0;
  const releases: (() => void)[] = [];
  const { work, passes } = start({
    async pass() {
      assert.equal(++running, 1);
      await new Promise<void>((resolve) => releases.push(resolve));
      running--;
    },
  });
  work.start();
  for (let times = 0; times < 3; times++) work.wake();
  await settle();
  assert.equal(passes(), 1);

  releases[0]?.();
  await settle();
  assert.equal(passes(), 2);
  releases[1]?.();
  await settle();
  assert.equal(passes(), 2);
  await work.stop();
});

Deno.test("a pass that fails is repeated, ever later, and the failure is told once in a row", async () => {
  let isFailing = true;
  const { clock, work, passes, failures } = start({
    pass: () => isFailing ? Promise.reject(new Error("away")) : Promise.resolve(),
  });
  work.start();
  await settle();
  for (const waitMs of [500, 1_000, 2_000, 2_000]) {
    assert.equal(clock.nextDueInMs(), waitMs);
    clock.advance(waitMs);
    await settle();
  }
  assert.deepEqual([passes(), failures.length], [5, 1]);

  isFailing = false;
  clock.advance(2_000);
  await settle();
  assert.equal(clock.nextDueInMs(), 60_000);
  isFailing = true;
  clock.advance(60_000);
  await settle();
  assert.equal(failures.length, 2);
  await work.stop();
});

Deno.test("stop() waits for the pass under way, and leaves no timer behind", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { clock, work, passes } = start({ pass: () => promise });
  work.start();
  await settle();
  let isStopped = false;
  const stopping = work.stop().then(() => isStopped = true);
  await settle();
  assert.equal(isStopped, false);

  resolve();
  await stopping;
  work.wake();
  await settle();
  assert.deepEqual([passes(), clock.pending()], [1, 0]);
});
