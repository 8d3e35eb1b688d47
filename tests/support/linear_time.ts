import { cpuUsage } from "node:process";

/** A run whose time is measured. What it needs is made beforehand, by whoever made the run. */
export type Run = () => unknown;

/**
 * What a run took at a size and at twice that size: the least of several times. In milliseconds of the processor's time, in which
 * what else runs on the machine does not count.
 */
export interface Doubling {
  readonly onceMs: number;
  readonly twiceMs: number;
}

export interface LinearOptions {
  /** At most so long may it take at its largest; by default it may take any time that is linear. */
  readonly mostMs?: number;
  /** Noise makes a run longer and never shorter, so a bad ratio is looked at again, for so long. */
  readonly patienceMs?: number;
}

/** An input of twice the size may take so many times as long: twice, and the noise of a busy machine. */
const MOST = 2.5;

/** What takes no longer than this at its largest costs nothing, and is too short to be compared. */
const NOTHING_MS = 2;

/**
 * Fails unless the time of a run grows with the size of its input and no faster. `size` is the largest that can come in, and
 * is compared with its half.
 */
export async function assertLinear(
  size: number,
  runOf: (size: number) => Run,
  { mostMs = Infinity, patienceMs = 3_000 }: LinearOptions = {},
): Promise<void> {
  const once = runOf(Math.floor(size / 2));
  const twice = runOf(size);
  let doubling: Doubling = { onceMs: Infinity, twiceMs: Infinity };
  const giveUpAtMs = performance.now() + patienceMs;
  do {
    const twiceMs = Math.min(doubling.twiceMs, await timeOf([twice]));
    // Two of one beside one of the other, so that both make the same work for the garbage collector.
    const onceMs = twiceMs <= NOTHING_MS
      ? twiceMs
      : Math.min(doubling.onceMs, await timeOf([once, once]) / 2);
    doubling = { onceMs, twiceMs };
    if (isLinear(doubling) && twiceMs <= mostMs) return;
  } while (performance.now() < giveUpAtMs);
  const told = `${doubling.onceMs.toFixed(2)} ms became ${doubling.twiceMs.toFixed(2)} ms`;
  throw new Error(
    isLinear(doubling)
      ? `Cannot call this cheap: ${told} with twice the size, expected at most ${mostMs} ms`
      : `Cannot call this linear: ${told} with twice the size`,
  );
}

/** Whether twice the size takes twice the time, or none. */
export function isLinear({ onceMs, twiceMs }: Doubling): boolean {
  return twiceMs <= NOTHING_MS || twiceMs <= MOST * onceMs;
}

async function timeOf(runs: readonly Run[]): Promise<number> {
  const startMs = processorMs();
  for (const run of runs) {
    const result = run();
    // Without a turn of the event loop for what has no need of one.
    if (result instanceof Promise) await result;
  }
  return processorMs() - startMs;
}

function processorMs(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1_000;
}
