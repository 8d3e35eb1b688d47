import type { OwnEvent } from "../events/own_event.ts";
import type { Clock } from "../support/clock.ts";
import { earlier } from "../support/time.ts";
import type { Logger } from "../support/log.ts";
import type {
  ClaimedDelivery,
  DeliveryStore,
  Settlement,
  SinkHealth,
} from "../store/port/deliveries.ts";
import type { EventDraft } from "../store/port/events.ts";
import type { AttemptEnd } from "./sink.ts";

/** Drafts the events that belong to an outcome; the publisher does. */
export interface OutcomePublisher {
  draft(event: OwnEvent): Promise<{ draft: EventDraft; webhooksVersion: number }>;
  /** To be called when the store says that the webhooks have changed. */
  refresh(): Promise<void>;
}

export interface SettlerOptions {
  readonly outbox: Pick<DeliveryStore, "settleDeliveries">;
  readonly publisher: OutcomePublisher;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told which sinks fail, and for how long they have; must not throw. */
  readonly onFailing: (sinks: readonly SinkHealth[]) => void;
}

/** Collects the ends of attempts and writes them down together. */
export interface Settler {
  add(delivery: ClaimedDelivery, end: AttemptEnd): void;
  /** Writes down all that was added. Throws `StoreUnavailable` and keeps what it could not write. */
  flush(): Promise<Flushed>;
}

export interface Flushed {
  /** How many ends of attempts were written down. */
  readonly written: number;
  /** When something is due where they live ({@link DeliveryStore.settleDeliveries}); null where that told of nothing. */
  readonly nextDueAtMs: number | null;
  /** Whether `nextDueAtMs` speaks for everything that waits. */
  readonly tellsAll: boolean;
}

interface Ended {
  readonly delivery: ClaimedDelivery;
  readonly end: AttemptEnd;
  readonly endedAtMs: number;
}

// As many as one claim takes. Each settlement costs the store a handful of writes.
const SETTLE_LIMIT = 32;
const MAX_TRIES = 5;

export function createSettler(options: SettlerOptions): Settler {
  const { outbox, publisher, clock, log } = options;
  let ended: Ended[] = [];

  async function settle(batch: readonly Ended[]): Promise<Omit<Flushed, "written">> {
    for (let tries = 1;; tries++) {
      const { settlements, webhooksVersion } = await describe(batch);
      const outcome = await outbox.settleDeliveries({ settlements, webhooksVersion });
      if (outcome.outcome === "settled") {
        if (outcome.failing.length > 0) options.onFailing(outcome.failing);
        outcome.results.forEach((result, at) => {
          if (result === "fenced") {
            log.warn("delivery.fenced", { deliveryId: settlements[at]?.deliveryId });
          }
        });
        return { nextDueAtMs: outcome.nextDueAtMs, tellsAll: outcome.tellsAll };
      }
      if (tries === MAX_TRIES) throw new Error("Cannot settle: the webhooks keep changing");
      await publisher.refresh();
    }
  }

  async function describe(batch: readonly Ended[]) {
    const settlements: Settlement[] = [];
    // The oldest of the versions counts: with a newer one, a draft addressed by an older list could miss a webhook.
    let webhooksVersion = Infinity;
    for (const { delivery, end, endedAtMs } of batch) {
      const drafts: EventDraft[] = [];
      for (const event of end.events) {
        const drafted = await publisher.draft(event);
        drafts.push(drafted.draft);
        webhooksVersion = Math.min(webhooksVersion, drafted.webhooksVersion);
      }
      settlements.push({
        deliveryId: delivery.id,
        leaseToken: delivery.leaseToken,
        nowMs: endedAtMs,
        attemptJson: JSON.stringify({ attempt: delivery.attempt, ...end.report }),
        next: end.decision,
        health: end.health,
        drafts,
      });
    }
    return { settlements, webhooksVersion };
  }

  return {
    add: (delivery, end) => {
      ended.push({ delivery, end, endedAtMs: clock.now() });
    },
    async flush() {
      let written = 0;
      let next: Omit<Flushed, "written"> = { nextDueAtMs: null, tellsAll: false };
      while (ended.length > 0) {
        const batch = ended.slice(0, SETTLE_LIMIT);
        const told = await settle(batch);
        // The due time that an earlier batch was told may have been the lease of a delivery in this one.
        next = told.tellsAll
          ? told
          : { ...told, nextDueAtMs: earlier(next.nextDueAtMs, told.nextDueAtMs) };
        ended = ended.filter((one) => !batch.includes(one));
        written += batch.length;
      }
      return { written, ...next };
    },
  };
}
