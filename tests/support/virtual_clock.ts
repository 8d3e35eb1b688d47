import type { Clock } from "../../services/support/clock.ts";

/** A clock that stands still until a test moves it. */
export interface VirtualClock extends Clock {
  /**
   * Moves time on by `ms`, calling every timer that falls due in the order of its due time (of its arming, among equals)
   * while `now()` says that due time. Timers armed by those calls are included.
   *
   * Work that a timer merely starts (promises) goes on after `advance` has returned: await what it ends in.
   */
  advance(ms: number): void;
  /** How many timers are armed. */
  pending(): number;
  /** Milliseconds until the earliest armed timer is due; null when none is armed. */
  nextDueInMs(): number | null;
  /** Resolves once at least `count` timers are armed: how a test waits, without sleeping, for code to reach its wait. */
  whenArmed(count?: number): Promise<void>;
}

interface Armed {
  readonly dueMs: number;
  readonly run: () => void;
}

/** A {@link VirtualClock} that says `startMs` (Unix milliseconds) until moved. */
export function createVirtualClock(
  startMs: number = Date.parse("2026-11-22T10:00:00.000Z"),
): VirtualClock {
  // Insertion order is arming order; the stable choice in `earliest` relies on it.
  const armed = new Set<Armed>();
  let waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  let nowMs = startMs;

  function earliest(): Armed | null {
    let first: Armed | null = null;
    for (const timer of armed) {
      if (first === null || timer.dueMs < first.dueMs) first = timer;
    }
    return first;
  }

  function wakeWaiting(): void {
    const ready = waiting.filter(({ count }) => armed.size >= count);
    waiting = waiting.filter(({ count }) => armed.size < count);
    for (const { resolve } of ready) resolve();
  }

  return {
    now: () => nowMs,

    after(delayMs, run) {
      const timer: Armed = { dueMs: nowMs + Math.max(0, delayMs), run };
      armed.add(timer);
      wakeWaiting();
      return { cancel: () => void armed.delete(timer) };
    },

    advance(ms) {
      if (!(ms >= 0)) throw new RangeError(`Cannot advance by ${ms} ms: expected 0 or more`);
      const targetMs = nowMs + ms;
      for (let due = earliest(); due !== null && due.dueMs <= targetMs; due = earliest()) {
        armed.delete(due);
        nowMs = due.dueMs;
        due.run();
      }
      nowMs = targetMs;
    },

    pending: () => armed.size,

    nextDueInMs() {
      const next = earliest();
      return next === null ? null : next.dueMs - nowMs;
    },

    whenArmed: (count = 1) =>
      new Promise((resolve) => {
        waiting.push({ count, resolve });
        wakeWaiting();
      }),
  };
}
