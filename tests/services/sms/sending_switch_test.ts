import assert from "node:assert/strict";
import {
  createSendingSwitch,
  FIRST_PROBE_MS,
  LONGEST_PROBE_MS,
} from "../../../services/sms/sending_switch.ts";
import { createMemoryLog } from "../../support/memory_log.ts";
import { dataOf, startTexting } from "../../support/texting_world.ts";
import { createVirtualClock } from "../../support/virtual_clock.ts";

function setUp() {
  const clock = createVirtualClock();
  const log = createMemoryLog();
  return { clock, log, sending: createSendingSwitch({ clock, log }) };
}

Deno.test("ask() lets texts go until the switch is closed, then names the time of the probe", () => {
  const { clock, sending } = setUp();
  assert.deepEqual(sending.ask(), { kind: "go" });
  sending.close(20003);
  assert.deepEqual(sending.ask(), { kind: "wait", untilMs: clock.now() + FIRST_PROBE_MS });
  assert.equal(sending.stoppedBy(), 20003);
});

Deno.test("ask() lets one probe through at a time, and another one if that is never heard of", () => {
  const { clock, sending } = setUp();
  sending.close(20003);
  clock.advance(FIRST_PROBE_MS);
  assert.deepEqual(sending.ask(), { kind: "probe" });
  assert.equal(sending.ask().kind, "wait");
  clock.advance(60_000);
  assert.deepEqual(sending.ask(), { kind: "probe" });
});

Deno.test("close() waits twice as long after each probe in vain, up to ten minutes", () => {
  const { clock, sending } = setUp();
  const waits: number[] = [];
  for (let probes = 0; probes < 6; probes++) {
    sending.close(20003);
    const leave = sending.ask();
    assert(leave.kind === "wait");
    waits.push(leave.untilMs - clock.now());
    clock.advance(leave.untilMs - clock.now());
    assert.equal(sending.ask().kind, "probe");
  }
  assert.deepEqual(waits, [60_000, 120_000, 240_000, 480_000, LONGEST_PROBE_MS, LONGEST_PROBE_MS]);
});

Deno.test("close() by texts that were under way already changes nothing", () => {
  const { clock, log, sending } = setUp();
  for (let texts = 0; texts < 10; texts++) sending.close(20003);
  assert.deepEqual(sending.ask(), { kind: "wait", untilMs: clock.now() + FIRST_PROBE_MS });
  assert.equal(log.of("sms.stopped").length, 1);
});

Deno.test("reopen() lets texts go; the same trouble soon after waits longer, a new one does not", () => {
  const { clock, sending } = setUp();
  const closedForMs = () => {
    sending.close(30002);
    const leave = sending.ask();
    assert(leave.kind === "wait");
    return leave.untilMs - clock.now();
  };
  assert.equal(closedForMs(), 60_000);
  sending.reopen();
  assert.deepEqual(sending.ask(), { kind: "go" });
  assert.equal(sending.stoppedBy(), null);
  clock.advance(599_999);
  assert.equal(closedForMs(), 120_000);
  sending.reopen();
  clock.advance(600_000);
  assert.equal(closedForMs(), 60_000);
});

Deno.test("sinkSettings() keeps texts from being claimed while the switch is closed, then lets one be", () => {
  const { clock, sending } = setUp();
  const open = { sinkId: "sms", concurrency: 10, rate: null };
  assert.deepEqual(sending.sinkSettings(10), open);
  sending.close(20003);
  const closedUntilMs = clock.now() + FIRST_PROBE_MS;
  assert.deepEqual(sending.sinkSettings(10), { ...open, concurrency: 1, closedUntilMs });
  sending.reopen();
  assert.deepEqual(sending.sinkSettings(10), open);
});

const refusal = {
  kind: "status",
  status: 401,
  body: { code: 20003, message: "Authentication failed", status: 401 },
} as const;

Deno.test("20003 stops sending: the text fails, the others wait without an attempt until Twilio accepts us again", async () => {
  await using world = await startTexting();
  await world.accept("S1");
  await world.accept("S2");
  world.twilio.faults.next(refusal);
  await world.say("S1", 1, "First");
  await world.until("dead");
  assert.equal(dataOf((await world.events("sms.failed"))[0])["errorCode"], 20003);
  assert.equal(world.sendingSwitch.stoppedBy(), 20003);

  await world.say("S2", 1, "Second");
  await world.say("S1", 2, "Third");
  assert.equal(world.twilio.requests.items.length, 1);
  world.twilio.faults.next(refusal);
  world.clock.advance(60_000);
  await world.outbox.until(() => world.twilio.requests.items.length === 2);
  // The probe read the list: no text was risked.
  assert.equal(world.twilio.requests.items[1]?.method, "GET");
  await world.outbox.until(async () => (await world.statuses()).includes("retrying"));
  assert.deepEqual(world.bodies(), []);

  world.clock.advance(120_000);
  await world.until("dead", "delivered", "delivered");
  assert.deepEqual(world.bodies().toSorted(), ["Second", "Third"]);
  assert.equal(world.sendingSwitch.stoppedBy(), null);
  const attempts = (await world.deliveries()).map(({ attempts }) => attempts);
  assert.deepEqual(attempts, [1, 1, 1]);
});

Deno.test("30002 in a status callback stops sending too", async () => {
  await using world = await startTexting();
  await world.accept("S1");
  world.sendingSwitch.close(30002);
  await world.say("S1", 1, "Hello");
  assert.deepEqual(world.bodies(), []);
  world.clock.advance(60_000);
  await world.until("delivered");
});
