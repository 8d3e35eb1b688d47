import type { Clock } from "../services/support/clock.ts";
import type { Logger } from "../services/support/log.ts";

/** Work that a drain waits for. It is told how many milliseconds are left. */
export type Ending = (leftMs: number) => Promise<unknown>;

export interface DrainOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** `DRAIN_MS`: how long the whole drain may take. */
  readonly drainMs: number;
  /** Ended at once, beside the requests that still wait for their answer. */
  readonly sources: readonly Ending[];
  /** Ended after those, because they were fed by them. */
  readonly followUps: readonly Ending[];
  /** Closes what everything else used; runs even when the time is up. */
  readonly close: () => Promise<void>;
}

/** The end of a Patchbay, which takes `DRAIN_MS` at most. */
export interface Drain {
  /** Whether it has begun. */
  readonly hasBegun: () => boolean;
  /**
   * Waits until what is under way has ended, then closes everything. `served` is to stop listening and to resolve once
   * every request has its answer. A second call waits for the first drain.
   */
  run(served: () => Promise<void>): Promise<void>;
}

export function createDrain(
  { clock, log, drainMs, sources, followUps, close }: DrainOptions,
): Drain {
  let drained: Promise<void> | null = null;

  async function drain(served: () => Promise<void>): Promise<void> {
    const startedAtMs = clock.now();
    const leftMs = () => Math.max(0, drainMs - (clock.now() - startedAtMs));
    const endAll = (endings: readonly Ending[]) =>
      Promise.all(endings.map((end) => withinTime(clock, leftMs(), end(leftMs()))));
    log.info("patchbay.draining", { withinMs: drainMs });
    await endAll([served, ...sources]);
    await endAll(followUps);
    await close();
    log.info("patchbay.stopped", { afterMs: clock.now() - startedAtMs });
  }

  return {
    hasBegun: () => drained !== null,
    run: (served) => drained ??= drain(served),
  };
}

/** Resolves with `work`, or after `ms` without it. */
async function withinTime(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  const { promise: timeUp, resolve } = Promise.withResolvers<void>();
  const timer = clock.after(ms, resolve);
  await Promise.race([work, timeUp]);
  timer.cancel();
}
