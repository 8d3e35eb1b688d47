import type { Clock } from "../../support/clock.ts";
import { NoAnswer } from "./no_answer.ts";

/** Enough for what lies in the socket to be read: the loop of events looks there between two timers. */
const LAST_LOOK_MS = 10;
/** Whoever asked waits for an answer, be it that there is none. */
const MOST_HELD_UP_MS = 1_000;

/** A limit on one round trip. */
export interface Deadline {
  isMissed(): boolean;
  /** Rejects with NoAnswer once it is missed; for `Promise.race`. */
  readonly passed: Promise<never>;
  /** To be called when the round trip has ended, however it has. */
  cancel(): void;
}

/**
 * Begins to count. The time during which the process was held up itself, by the collector of garbage or by others who want
 * the processor, is not the server's: the answer may lie in the socket meanwhile, or the command not even have left. So a
 * deadline that is found over late is put off by as much once, and one in time by a last look.
 */
export function startDeadline(clock: Clock, deadlineMs: number): Deadline {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {});
  let missed = false;
  const dueMs = clock.now() + deadlineMs;
  let timer = clock.after(deadlineMs, () => {
    const heldUpMs = Math.min(Math.max(0, clock.now() - dueMs), MOST_HELD_UP_MS);
    timer = clock.after(LAST_LOOK_MS + heldUpMs, () => {
      missed = true;
      // The error is made only when it is needed: its stack costs more than the rest of a send.
      reject(new NoAnswer(`no answer within ${deadlineMs} ms`));
    });
  });
  return { isMissed: () => missed, passed: promise, cancel: () => timer.cancel() };
}
