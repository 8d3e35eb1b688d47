import type { Clock } from "./clock.ts";

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
