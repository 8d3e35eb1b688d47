import { type OpenLoopOptions, runOpenLoop } from "./open_loop.ts";
import { type Percentiles, percentilesOf } from "./percentiles.ts";
import { startWorld, type StoreKind, type World } from "./world.ts";

export interface IsolationOptions extends Omit<OpenLoopOptions, "firstMark"> {
  /** Of how many windows each half consists; a window lasts `seconds`. */
  readonly windows: number;
}

/** First bytes at one webhook, all windows together. */
export interface IsolationResult {
  readonly alone: Percentiles;
  readonly besideHanging: Percentiles;
  /** The p95 of each window by itself, in milliseconds: how far they scatter without any reason. */
  readonly windowsP95: {
    readonly alone: readonly number[];
    readonly besideHanging: readonly number[];
  };
}

/** Fills the places of the webhook that hangs, and lets the code grow warm. */
const WARM_UP_S = 5;

/**
 * What one webhook notices of another that hangs in every call. Two worlds that differ in nothing else take turns, so
 * that whatever else the machine does meets both alike.
 */
export async function measureIsolation(
  store: StoreKind,
  { windows, ...load }: IsolationOptions,
  started: AsyncDisposableStack,
): Promise<IsolationResult> {
  const alone = await startHalf(store, load, started, false);
  const besideHanging = await startHalf(store, load, started, true);
  for (let window = 0; window < windows; window++) {
    await alone.measure();
    await besideHanging.measure();
  }
  const p95Of = (windowMs: readonly number[]) => percentilesOf(windowMs).p95;
  return {
    alone: percentilesOf(alone.windowsMs.flat()),
    besideHanging: percentilesOf(besideHanging.windowsMs.flat()),
    windowsP95: {
      alone: alone.windowsMs.map(p95Of),
      besideHanging: besideHanging.windowsMs.map(p95Of),
    },
  };
}

async function startHalf(
  store: StoreKind,
  load: Omit<OpenLoopOptions, "firstMark">,
  started: AsyncDisposableStack,
  hanging: boolean,
) {
  const world: World = await startWorld(store, started);
  await world.register(world.consumer.hookUrl);
  if (hanging) await world.register(world.consumer.hangUrl);
  const windowsMs: (readonly number[])[] = [];
  let firstMark = 0;

  async function run(seconds: number): Promise<readonly number[]> {
    const { firstByteMs } = await runOpenLoop(world, { ...load, seconds, firstMark });
    firstMark += firstByteMs.length;
    return firstByteMs;
  }

  await run(WARM_UP_S);
  return {
    windowsMs,
    measure: async () => void windowsMs.push(await run(load.seconds)),
  };
}
