import type { Clock, Timer } from "../../support/clock.ts";

/** The timers of one CometD client, on our clock, so that none of them outlives its session. */
export interface ClientTimers {
  set(run: () => void, delayMs: number): Timer;
  clear(timer: Timer | null): void;
  cancelAll(): void;
  /**
   * A connect was answered with so many messages. A server that answers connects at once and with nothing would have the
   * client poll without pause, so that after some of those in a row every timer waits longer.
   */
  noteConnectAnswered(startedAtMs: number, messages: number): void;
}

/** So many hasty answers in a row are put up with. */
const HASTY_LIMIT = 5;
/** An answer that comes sooner was not held by the server. */
const HASTY_MS = 100;
const HASTY_PAUSE_MS = 1_000;

export function createClientTimers(clock: Clock): ClientTimers {
  const timers = new Set<Timer>();
  let hastyInARow = 0;

  return {
    set(run, delayMs) {
      const pauseMs = hastyInARow > HASTY_LIMIT ? Math.max(delayMs, HASTY_PAUSE_MS) : delayMs;
      const timer = clock.after(pauseMs, () => {
        timers.delete(timer);
        run();
      });
      timers.add(timer);
      return timer;
    },
    clear(timer) {
      if (timer === null) return;
      timers.delete(timer);
      timer.cancel();
    },
    cancelAll() {
      for (const timer of timers) timer.cancel();
      timers.clear();
    },
    noteConnectAnswered(startedAtMs, messages) {
      // One message is the connect's own reply and nothing else.
      const isHasty = messages === 1 && clock.now() - startedAtMs < HASTY_MS;
      hastyInARow = isHasty ? hastyInARow + 1 : 0;
    },
  };
}
