import assert from "node:assert/strict";
import { createFollowUps, type FollowUp } from "../../../services/store/follow_ups.ts";
import { createMemoryLog } from "../../support/memory_log.ts";
import { createVirtualClock } from "../../support/virtual_clock.ts";

function setup() {
  const clock = createVirtualClock(0);
  const log = createMemoryLog();
  return { clock, log, followUps: createFollowUps({ clock, log }) };
}

/** Fails `failures` times and writes down when it was tried. */
function failing(
  failures: number,
  { now, tried, sessionId = "s", name = "x", giveUpAtMs = 60_000 }: {
    readonly now: () => number;
    readonly tried: string[];
    readonly sessionId?: string;
    readonly name?: string;
    readonly giveUpAtMs?: number;
  },
): FollowUp {
  return {
    sessionId,
    action: "effect",
    giveUpAtMs,
    run: (tries) => {
      tried.push(`${name}${tries}@${now()}`);
      return tries <= failures ? Promise.reject(new Error("down")) : Promise.resolve();
    },
  };
}

Deno.test("perform() waits for the first try and leaves nothing behind when it succeeds", async () => {
  const { clock, log, followUps } = setup();
  const tried: string[] = [];
  await followUps.perform(failing(0, { now: clock.now, tried }));
  assert.deepEqual(tried, ["x1@0"]);
  assert.equal(clock.pending(), 0);
  assert.deepEqual(log.entries, []);
  await followUps.settled();
});

Deno.test("perform() tries again with doubling waits and stops at the first success", async () => {
  const { clock, log, followUps } = setup();
  const tried: string[] = [];
  await followUps.perform(failing(3, { now: clock.now, tried }));
  for (let n = 0; n < 3; n++) {
    await clock.whenArmed();
    clock.advance(clock.nextDueInMs() ?? 0);
  }
  await followUps.settled();
  assert.deepEqual(tried, ["x1@0", "x2@250", "x3@750", "x4@1750"]);
  assert.equal(log.of("session.follow_up_failed").length, 3);
});

Deno.test("perform() gives up in time, with waits of at most eight seconds", async () => {
  const { clock, log, followUps } = setup();
  const tried: string[] = [];
  await followUps.perform(failing(99, { now: clock.now, tried, giveUpAtMs: 30_000 }));
  const settled = followUps.settled();
  const abandoned = log.whenLogged("session.follow_up_abandoned");
  while (log.of("session.follow_up_abandoned").length === 0) {
    await Promise.race([clock.whenArmed(), abandoned]);
    clock.advance(clock.nextDueInMs() ?? 0);
  }
  await settled;
  assert.deepEqual(
    tried.map((entry) => Number(entry.split("@")[1])),
    [0, 250, 750, 1750, 3750, 7750, 15_750, 23_750],
  );
});

Deno.test("perform() lets what comes for the same session wait its turn, and other sessions go ahead", async () => {
  const { clock, followUps } = setup();
  const tried: string[] = [];
  const setting = { now: clock.now, tried };
  await followUps.perform(failing(1, { ...setting, name: "first" }));
  await clock.whenArmed();
  await followUps.perform(failing(0, { ...setting, name: "second" }));
  await followUps.perform(failing(0, { ...setting, name: "other", sessionId: "t" }));
  assert.deepEqual(tried, ["first1@0", "other1@0"]);
  clock.advance(250);
  await followUps.settled();
  assert.deepEqual(tried, ["first1@0", "other1@0", "first2@250", "second1@250"]);
  // The queue is gone: the next one does not wait.
  await followUps.perform(failing(0, { ...setting, name: "third" }));
  assert.equal(tried.at(-1), "third1@250");
});

Deno.test("perform() tries what had to wait once at least, even past its time", async () => {
  const { clock, followUps } = setup();
  const tried: string[] = [];
  const setting = { now: clock.now, tried, giveUpAtMs: 300 };
  await followUps.perform(failing(1, { ...setting, name: "first" }));
  await clock.whenArmed();
  await followUps.perform(failing(0, { ...setting, name: "second", giveUpAtMs: 100 }));
  clock.advance(250);
  await followUps.settled();
  assert.deepEqual(tried, ["first1@0", "first2@250", "second1@250"]);
});
