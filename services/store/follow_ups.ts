import type { Clock } from "../support/clock.ts";
import type { Logger } from "../support/log.ts";
import { storeFailureReason } from "./failure_reason.ts";

/** A write of the store that follows from what upstream has already done, so that no answer may be withheld over it. */
export interface FollowUp {
  readonly sessionId: string;
  /** For the log. */
  readonly action:
    | "confirm"
    | "release"
    | "doubt"
    | "effect"
    | "keep-answer"
    | "free-key"
    | "keep-doubt"
    | "forget-doubt"
    | "take-up-doubts";
  /** After this moment (Unix milliseconds) it is of no use any more. */
  readonly giveUpAtMs: number;
  /** Safe to repeat: a failed try may have written all the same. `tries` is 1 for the first. */
  run(tries: number): Promise<void>;
}

export interface FollowUps {
  /**
   * Tries once and resolves, never rejects. What failed is tried again in the background; what comes for a session
   * while something is still being tried for it waits its turn, so that a mapping is not ended before it is made.
   */
  perform(followUp: FollowUp): Promise<void>;
  /** Resolves once nothing is being tried any more. */
  settled(): Promise<void>;
}

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 8_000;

/** The follow-ups of one instance. */
export function createFollowUps({ clock, log }: { clock: Clock; log: Logger }): FollowUps {
  const queues = new Map<string, Promise<void>>();

  async function perform(followUp: FollowUp): Promise<void> {
    const { sessionId } = followUp;
    const before = queues.get(sessionId);
    if (before === undefined && await succeeds(followUp, 1)) return;
    const queue = queues.get(sessionId) ?? Promise.resolve();
    const failedTries = before === undefined ? 1 : 0;
    const longer = queue.then(() => keepTrying(followUp, failedTries)).then(() => {
      if (queues.get(sessionId) === longer) queues.delete(sessionId);
    });
    queues.set(sessionId, longer);
  }

  async function keepTrying(followUp: FollowUp, failedTries: number): Promise<void> {
    for (let tries = failedTries;; tries++) {
      if (tries > 0) {
        const waitMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (tries - 1));
        if (clock.now() + waitMs > followUp.giveUpAtMs) break;
        await new Promise<void>((resolve) => clock.after(waitMs, resolve));
      }
      if (await succeeds(followUp, tries + 1)) return;
    }
    const { sessionId, action } = followUp;
    log.error("session.follow_up_abandoned", { sessionId, action });
  }

  async function succeeds(followUp: FollowUp, tries: number): Promise<boolean> {
    try {
      await followUp.run(tries);
      return true;
    } catch (error) {
      const { sessionId, action } = followUp;
      const message = error instanceof Error ? error.message : String(error);
      const reason = storeFailureReason(error);
      log.error("session.follow_up_failed", { sessionId, action, tries, error: message, reason });
      return false;
    }
  }

  return {
    perform,
    async settled() {
      while (queues.size > 0) await Promise.all(queues.values());
    },
  };
}
