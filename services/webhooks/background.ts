import { setImmediate } from "node:timers/promises";
import { createKeyedQueue } from "../support/keyed_queue.ts";
import type { Logger } from "../support/log.ts";

/** Long work on a webhook's deliveries, step by step, beside everything else. */
export interface Background {
  /**
   * Begins the work, once earlier work on the same webhook is over. `step` is repeated for as long as it resolves to
   * true, unless the program is stopping. An error ends the work and is logged. The promise resolves, and never
   * rejects, when the work has ended.
   */
  start(webhookId: string, work: string, step: () => Promise<boolean>): Promise<void>;
  /** Ends all work at its next step and resolves when it has ended. */
  stop(): Promise<void>;
  /** Resolves once no work is under way. */
  settled(): Promise<void>;
}

/** The background work of one instance. */
export function createBackground({ log }: { readonly log: Logger }): Background {
  const inTurn = createKeyedQueue();
  const underWay = new Set<Promise<void>>();
  let stopping = false;

  async function repeat(step: () => Promise<boolean>): Promise<void> {
    while (!stopping && await step()) {
      // SQLite answers without leaving the thread, so that without a pause nothing else would run until the last step.
      await setImmediate();
    }
  }

  async function settled(): Promise<void> {
    while (underWay.size > 0) await Promise.all(underWay);
  }

  return {
    start(webhookId, work, step) {
      const running = inTurn(webhookId, () => repeat(step)).catch((error) => {
        log.warn("webhook.background_failed", { webhookId, work, error: String(error) });
      }).finally(() => underWay.delete(running));
      underWay.add(running);
      return running;
    },
    stop() {
      stopping = true;
      return settled();
    },
    settled,
  };
}
