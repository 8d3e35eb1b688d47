import { runClosedLoop } from "./closed_loop.ts";
import { measureIsolation } from "./isolation.ts";
import { describeMachine } from "./machine.ts";
import { runOpenLoop } from "./open_loop.ts";
import { percentilesOf } from "./percentiles.ts";
import { atMost, line, ms, percentilesText, shareText, TARGETS } from "./report.ts";
import { processorTimes, storeCommands, usageText } from "./usage.ts";
import { wallClockMs } from "./wall_clock.ts";
import { startWorld, type StoreKind, type World } from "./world.ts";

export interface BenchOptions {
  readonly store: StoreKind;
  /** Shorter in everything: to see that it works, not to be quoted. */
  readonly quick: boolean;
  readonly say: (line: string) => void;
}

interface Plan {
  readonly warmUpS: number;
  readonly openLoopS: number;
  readonly closedLoopS: number;
  readonly windows: number;
  readonly windowS: number;
}

const FULL: Plan = { warmUpS: 5, openLoopS: 20, closedLoopS: 60, windows: 4, windowS: 10 };
const QUICK: Plan = { warmUpS: 2, openLoopS: 5, closedLoopS: 10, windows: 2, windowS: 5 };

const RATE_PER_S = 200;
const SESSIONS = 1_000;
const BATCH = 100;
const BACKLOG = 1_000;
/** How many lanes the webhook takes at once: the default, and what one sets for a consumer that is to get much. */
const CONCURRENCIES = [10, 32] as const;
/** Less than this of idleness says nothing about a minute: the sweep comes once in one. */
const IDLE_AT_LEAST_S = 60;

/** Measures delivery from the HTTP ingress to a webhook consumer, and says the figures. */
export async function runDeliveryBench(
  { store, quick, say }: BenchOptions,
  started: AsyncDisposableStack,
): Promise<void> {
  const plan = quick ? QUICK : FULL;
  say(`Patchbay, delivery${quick ? " (--quick: too short to be quoted)" : ""}`);
  say(`  machine  ${await describeMachine()}`);
  for (const text of method(store, plan)) say(`  method   ${text}`);

  const world = await startWorld(store, started);
  await world.register(world.consumer.hookUrl);
  await reportLatency(world, plan, say);
  const idle = await startCounting(world);
  say("\nAt full speed");
  for (const concurrency of CONCURRENCIES) {
    await reportThroughput(store, concurrency, plan, started, say);
  }
  await reportIsolation(store, plan, started, say);
  await reportIdle(idle, say);
}

function method(store: StoreKind, plan: Plan): string[] {
  const shown = {
    redis: "Redis over RESP, which writes nothing to disk",
    upstash: "Redis over Upstash's REST, which writes nothing to disk",
    sqlite: "SQLite in a temporary file",
  };
  return [
    `store: ${
      shown[store]
    }; it, Patchbay, consumer and load generator are processes of their own on`,
    `loopback; one webhook, all its settings by default; notifications of 0.5 kB, ${SESSIONS} sessions in turn`,
    `at ${RATE_PER_S} events/s: ${plan.openLoopS} s, one notification per request, sent by the clock whether or not earlier ones`,
    "were answered; durations count from when each was to be sent",
    `at full speed: ${plan.closedLoopS} s, ${BATCH} notifications per request, at most ${BACKLOG} events on their way`,
  ];
}

async function reportLatency(world: World, plan: Plan, say: BenchOptions["say"]): Promise<void> {
  const load = { ratePerS: RATE_PER_S, sessions: SESSIONS };
  const warmUp = await runOpenLoop(world, { ...load, seconds: plan.warmUpS, firstMark: 0 });
  const commands = await startCounting(world);
  const { acceptMs, firstByteMs, afterAcceptMs } = await runOpenLoop(world, {
    ...load,
    seconds: plan.openLoopS,
    firstMark: warmUp.acceptMs.length,
  });
  const [accept, firstByte] = [percentilesOf(acceptMs), percentilesOf(firstByteMs)];

  say(`\nAt ${RATE_PER_S} events/s (${acceptMs.length} events)`);
  say(line(
    "until the 202",
    percentilesText(accept),
    atMost(accept.p95, TARGETS.acceptP95Ms),
  ));
  say(line(
    "until the consumer's first byte",
    percentilesText(firstByte),
    atMost(firstByte.p95, TARGETS.firstByteP95Ms),
  ));
  say(line("  of that after the 202", percentilesText(percentilesOf(afterAcceptMs))));
  await sayCommands(commands, acceptMs.length, say);
}

async function reportThroughput(
  store: StoreKind,
  concurrency: number,
  plan: Plan,
  started: AsyncDisposableStack,
  say: BenchOptions["say"],
): Promise<void> {
  const own = started.use(new AsyncDisposableStack());
  const world = await startWorld(store, own);
  await world.register(world.consumer.hookUrl, { concurrency });
  const processes = new Map([...world.processes, ["load generator", Deno.pid]]);
  const edges: { atMs: number; times: ReadonlyMap<string, number> }[] = [];
  const commands = await startCounting(world);
  const result = await runClosedLoop(world, {
    warmUpSeconds: plan.warmUpS,
    seconds: plan.closedLoopS,
    sessions: SESSIONS,
    batch: BATCH,
    backlog: BACKLOG,
    onEdge: async () => {
      edges.push({ atMs: wallClockMs(), times: await processorTimes(processes) });
    },
  });
  const target = TARGETS.eventsPerSecond;
  const figures = `${result.perSecond.toFixed(0)} events/s, ` +
    `slowest second ${result.slowestSecond}, ${result.repeats} of ${result.events} repeated`;

  say(line(`delivered, ${concurrency} lanes at once`, figures, {
    text: `≥ ${target} events/s`,
    met: result.perSecond >= target,
  }));
  const [from, until] = edges;
  if (from !== undefined && until !== undefined && until.times.size > 0) {
    const usage = usageText(from.times, until.times, until.atMs - from.atMs);
    say(line("  of one core each", usage));
  }
  await sayCommands(commands, result.events, say);
  // A run leaves hundreds of megabytes in the store.
  await own.disposeAsync();
}

async function reportIsolation(
  store: StoreKind,
  plan: Plan,
  started: AsyncDisposableStack,
  say: BenchOptions["say"],
): Promise<void> {
  const { alone, besideHanging, windowsP95 } = await measureIsolation(store, {
    ratePerS: RATE_PER_S,
    sessions: SESSIONS,
    seconds: plan.windowS,
    windows: plan.windows,
  }, started);
  const moved = besideHanging.p95 / alone.p95 - 1;
  const list = (values: readonly number[]) => values.map((value) => value.toFixed(1)).join(" ");

  say(
    `\nBeside a webhook that hangs 15 s in every call (${plan.windows} × ${plan.windowS} s, in turns)`,
  );
  say(line("first byte, alone", percentilesText(alone)));
  say(line("first byte, beside it", percentilesText(besideHanging)));
  say(
    line("the p95 moves by", `${shareText(moved)} (${ms(besideHanging.p95 - alone.p95).trim()})`, {
      text: `≤ ${TARGETS.isolationShare * 100} %`,
      met: moved <= TARGETS.isolationShare,
    }),
  );
  say(line(
    "p95 of each window, ms",
    `alone ${list(windowsP95.alone)}; beside ${list(windowsP95.besideHanging)}`,
  ));
}

async function reportIdle(idle: CommandCount | null, say: BenchOptions["say"]): Promise<void> {
  if (idle === null) return;
  const { commands, seconds } = await idle.soFar();
  say("\nIdle");
  if (seconds < IDLE_AT_LEAST_S) {
    return say(line("store commands", `not told: idle for only ${seconds.toFixed(0)} s`));
  }
  const most = TARGETS.idleCommandsPerMinute;
  say(line("store commands", `${commands} in ${seconds.toFixed(0)} s`, {
    text: `≤ ${most} in each minute`,
    // The minute that has begun may have had its share already.
    met: commands <= most * Math.ceil(seconds / 60),
  }));
}

async function sayCommands(
  count: CommandCount | null,
  events: number,
  say: BenchOptions["say"],
): Promise<void> {
  if (count === null) return;
  const { commands } = await count.soFar();
  const most = TARGETS.commandsPerEvent;
  say(line("  store commands per event", (commands / events).toFixed(2), {
    text: `≤ ${most}`,
    met: commands <= most * events,
  }));
}

interface CommandCount {
  soFar(): Promise<{ readonly commands: number; readonly seconds: number }>;
}

/** Null where the store is no Redis. */
async function startCounting({ redis }: World): Promise<CommandCount | null> {
  if (redis === null) return null;
  const fromMs = wallClockMs();
  const before = await storeCommands(redis);
  return {
    soFar: async () => ({
      commands: await storeCommands(redis) - before,
      seconds: (wallClockMs() - fromMs) / 1_000,
    }),
  };
}
