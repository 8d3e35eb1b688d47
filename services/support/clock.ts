/** A pending timer; {@link Timer.cancel} is safe to call more than once. */
export interface Timer {
  cancel(): void;
}

/** Time as the program sees it; tests hand in one that they move by hand. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Calls `run` once, `delayMs` milliseconds from now. */
  after(delayMs: number, run: () => void): Timer;
}

// setTimeout keeps its delay in 32 bits: a longer one would fire at once.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The real clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, run) {
    const id = setTimeout(run, Math.min(Math.max(0, delayMs), LONGEST_TIMER_MS));
    return { cancel: () => clearTimeout(id) };
  },
};

/** Resolves `ms` milliseconds from now (at once for none), or as soon as `signal` is aborted. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = () => {
    timer.cancel();
    signal.removeEventListener("abort", end);
    resolve();
  };
  const timer = clock.after(ms, end);
  signal.addEventListener("abort", end);
  return promise;
}
