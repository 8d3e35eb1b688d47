import assert from "node:assert/strict";
import { createSenderRate } from "../../../services/sms/sender_rate.ts";
import { createVirtualClock } from "../../support/virtual_clock.ts";

const SENDER = { from: "+15005550006" };
const running = new AbortController().signal;

/** A bucket whose answers are given: how long to wait each time it is asked. */
function setUp(waitsMs: number[], limit: { perSecond: number; burst: number } | null = LIMIT) {
  const clock = createVirtualClock();
  const asked: { bucket: string; tokens: number }[] = [];
  const rate = createSenderRate({
    store: {
      takeTokens: ({ bucket, tokens }) => {
        asked.push({ bucket, tokens });
        return Promise.resolve(waitsMs.shift() ?? 0);
      },
    },
    limit,
    clock,
    random: () => 0.5,
  });
  return { clock, asked, rate };
}

const LIMIT = { perSecond: 20, burst: 40 };

Deno.test("take() takes a message's segments from the bucket of its sender", async () => {
  const { asked, rate } = setUp([]);
  assert.equal(await rate.take(SENDER, 3, running), null);
  const pooled = { pool: `MG${"0".repeat(32)}` };
  assert.equal(await rate.take(pooled, 1, running), null);
  assert.deepEqual(asked, [
    { bucket: "sms:+15005550006", tokens: 3 },
    { bucket: `sms:${pooled.pool}`, tokens: 1 },
  ]);
});

Deno.test("take() asks nobody where there is no limit", async () => {
  const { asked, rate } = setUp([9_999], null);
  assert.equal(await rate.take(SENDER, 100, running), null);
  assert.deepEqual(asked, []);
});

Deno.test("take() waits out what is short, and asks again", async () => {
  const { clock, asked, rate } = setUp([400, 300]);
  const taking = rate.take(SENDER, 1, running);
  for (const ms of [400, 300]) {
    await clock.whenArmed();
    clock.advance(ms);
  }
  assert.equal(await taking, null);
  assert.equal(asked.length, 3);
  assert.equal(clock.pending(), 0);
});

Deno.test("take() waits a second at most, then names a time that scatters", async () => {
  const { clock, rate } = setUp([600, 600]);
  const taking = rate.take(SENDER, 1, running);
  await clock.whenArmed();
  clock.advance(600);
  assert.equal(await taking, clock.now() + 600 + 300);
});

Deno.test("take() gives up its wait when the program stops", async () => {
  const { clock, rate } = setUp([900, 900]);
  const stop = new AbortController();
  const taking = rate.take(SENDER, 1, stop.signal);
  await clock.whenArmed();
  stop.abort();
  assert.notEqual(await taking, null);
  assert.equal(clock.pending(), 0);
});
