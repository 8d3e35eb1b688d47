import type { Clock } from "../../services/support/clock.ts";

/** Real time, but so many times as fast: for waits of half a minute against servers that know no clock but their own. */
export function createHurriedClock(factor: number): Clock {
  const startMs = Date.now();
  return {
    now: () => Math.round(startMs + (Date.now() - startMs) * factor),
    after(delayMs, run) {
      const id = setTimeout(run, Math.max(0, delayMs) / factor);
      return { cancel: () => clearTimeout(id) };
    },
  };
}
