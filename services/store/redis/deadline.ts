import type { Clock } from "../../support/clock.ts";
import { NoAnswer } from "./no_answer.ts";

/** A limit on one round trip. */
export interface Deadline {
  isMissed(): boolean;
  /** Rejects with NoAnswer once it is missed; for `Promise.race`. */
  readonly passed: Promise<never>;
  /** To be called when the round trip has ended, however it has. */
  cancel(): void;
}

export function startDeadline(clock: Clock, deadlineMs: number): Deadline {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {});
  let missed = false;
  // The error is made only when it is needed: its stack costs more than the rest of a send.
  const timer = clock.after(deadlineMs, () => {
    missed = true;
    reject(new NoAnswer(`no answer within ${deadlineMs} ms`));
  });
  return { isMissed: () => missed, passed: promise, cancel: () => timer.cancel() };
}
