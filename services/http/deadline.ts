import type { Clock } from "../support/clock.ts";

/** The time that something may take. To be disposed of when it is over, so that no timer and no listener stays behind. */
export interface Deadline extends Disposable {
  readonly clock: Clock;
  /** Aborts at the end of the time, or with the caller's signal, whichever comes first. */
  readonly signal: AbortSignal;
  /** Which of them came first; null: neither has come yet. */
  readonly ended: "timeout" | "aborted" | null;
}

/** Begins to count. `signal` ends the time at once. */
export function startDeadline(
  { clock, timeoutMs, signal }: {
    readonly clock: Clock;
    readonly timeoutMs: number;
    readonly signal?: AbortSignal | undefined;
  },
): Deadline {
  const ending = new AbortController();
  let ended: Deadline["ended"] = null;
  function end(how: "timeout" | "aborted"): void {
    ended ??= how;
    ending.abort();
  }
  const abort = () => end("aborted");
  const timer = clock.after(timeoutMs, () => end("timeout"));
  // Taken off again below, unlike with AbortSignal.any: a caller's signal may outlive thousands of requests.
  signal?.addEventListener("abort", abort);
  if (signal?.aborted) abort();
  return {
    clock,
    signal: ending.signal,
    get ended() {
      return ended;
    },
    [Symbol.dispose]() {
      timer.cancel();
      signal?.removeEventListener("abort", abort);
    },
  };
}
