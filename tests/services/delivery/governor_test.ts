import assert from "node:assert/strict";
import { createGovernor, type SinkSettings } from "../../../services/delivery/governor.ts";
import { createMemoryLog } from "../../support/memory_log.ts";
import { createVirtualClock } from "../../support/virtual_clock.ts";

function setUp(settings: readonly SinkSettings[] = []) {
  const clock = createVirtualClock();
  const log = createMemoryLog();
  const governor = createGovernor({
    settings: () => Promise.resolve(settings),
    clock,
    log,
    concurrencyPerSink: 10,
  });
  return { clock, log, governor };
}

const settings = (sinkId: string, change: Partial<SinkSettings> = {}): SinkSettings => ({
  sinkId,
  concurrency: 10,
  rate: null,
  ...change,
});

Deno.test("allowance() gives each sink its places less those taken, and its rate", async () => {
  const rate = { perSecond: 5, burst: 5 };
  const { governor } = setUp([
    settings("wh_1", { concurrency: 3 }),
    settings("wh_2", { rate }),
    settings("wh_3", { concurrency: 1 }),
  ]);
  const underWay = new Map([["wh_1", 1], ["wh_3", 4], ["sms", 6]]);
  assert.deepEqual(await governor.allowance(underWay), {
    capacityPerSink: 10,
    capacity: { wh_1: 2, wh_2: 10, wh_3: 0, sms: 4 },
    rates: { wh_2: rate },
    reopensAtMs: null,
  });
});

Deno.test("allowance() lets nothing go to a sink before the time that its settings name", async () => {
  const { governor, clock } = setUp();
  const untilMs = clock.now() + 1_000;
  const { governor: closed, clock: itsClock } = setUp([
    settings("sms", { concurrency: 1, closedUntilMs: untilMs }),
  ]);
  const nothing = new Map<string, number>();
  const open = { capacityPerSink: 10, capacity: {}, rates: {}, reopensAtMs: null };
  assert.deepEqual(await governor.allowance(nothing), open);
  const shut = { ...open, capacity: { sms: 0 }, reopensAtMs: untilMs };
  assert.deepEqual(await closed.allowance(nothing), shut);
  itsClock.advance(1_000);
  assert.deepEqual(await closed.allowance(nothing), { ...open, capacity: { sms: 1 } });
});

Deno.test("a sink that only fails is closed off, then probed once, then served again", async () => {
  const { governor, clock, log } = setUp([settings("wh_1")]);
  const note = (health: "success" | "failure" | null, lane: number) =>
    governor.note({ sinkId: "wh_1", lane: `S${lane}`, health });
  for (let n = 0; n < 10; n++) {
    note("failure", n);
    note(null, n);
    clock.advance(600);
  }
  const closedOffAtMs = clock.now() - 600;
  const nothing = new Map<string, number>();
  assert.deepEqual(await governor.allowance(nothing), {
    capacityPerSink: 10,
    capacity: { wh_1: 0 },
    rates: {},
    reopensAtMs: closedOffAtMs + 30_000,
  });
  assert.equal(log.of("sink.closed_off").length, 1);
  clock.advance(30_000);
  assert.deepEqual((await governor.allowance(nothing)).capacity, { wh_1: 1 });
  assert.deepEqual((await governor.allowance(new Map([["wh_1", 1]]))).capacity, { wh_1: 0 });
  note("success", 1);
  assert.deepEqual(await governor.allowance(nothing), {
    capacityPerSink: 10,
    capacity: { wh_1: 10 },
    rates: {},
    reopensAtMs: null,
  });
  assert.equal(log.of("sink.back").length, 1);
});

Deno.test("one sink's failures do not touch another's places", async () => {
  const { governor, clock } = setUp([settings("wh_1"), settings("wh_2")]);
  for (let n = 0; n < 20; n++) {
    governor.note({ sinkId: "wh_1", lane: `S${n}`, health: "failure" });
    governor.note({ sinkId: "wh_2", lane: `S${n}`, health: "success" });
    clock.advance(600);
  }
  assert.deepEqual((await governor.allowance(new Map())).capacity, { wh_1: 0, wh_2: 10 });
});
