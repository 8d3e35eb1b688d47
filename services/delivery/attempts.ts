import type { ClaimedDelivery } from "../store/port/deliveries.ts";
import type { Logger } from "../support/log.ts";
import type { Governor } from "./governor.ts";
import type { Settler } from "./settler.ts";
import type { AttemptEnd, Sink } from "./sink.ts";

export interface AttemptsOptions {
  /** The sink that a sink id belongs to. */
  readonly sinkFor: (sinkId: string) => Sink;
  readonly governor: Pick<Governor, "note">;
  readonly settler: Pick<Settler, "add">;
  readonly log: Logger;
  /** Told that an attempt has ended, and that its place is free. */
  readonly onEnded: () => void;
}

/** The attempts that one engine has under way. */
export interface Attempts {
  begin(deliveries: readonly ClaimedDelivery[]): void;
  /** How many are under way. */
  count(): number;
  /** How many each sink has under way. */
  perSink(): ReadonlyMap<string, number>;
  /** One promise for each attempt under way; none of them rejects. */
  ends(): readonly Promise<void>[];
  /** Asks the sinks to end at once. */
  abort(): void;
}

/** Hands deliveries to their sinks, and what came of them to the governor and the settler. */
export function createAttempts(options: AttemptsOptions): Attempts {
  const { sinkFor, governor, settler, log } = options;
  const underWay = new Map<string, { readonly sinkId: string; readonly done: Promise<void> }>();
  const aborter = new AbortController();

  async function attempt(delivery: ClaimedDelivery): Promise<void> {
    let end: AttemptEnd;
    try {
      end = await sinkFor(delivery.sinkId).attempt(delivery, aborter.signal);
    } catch (error) {
      // A fault of ours: nobody knows what has left, so nothing is settled. The lease runs out, and the next attempt
      // is told that this one was interrupted.
      log.error("delivery.attempt_failed", { deliveryId: delivery.id, error: String(error) });
      return;
    }
    logAttempt(log, delivery, end);
    const lane = delivery.event.sessionId ?? delivery.id;
    governor.note({ sinkId: delivery.sinkId, lane, health: end.health });
    settler.add(delivery, end);
  }

  return {
    begin(deliveries) {
      for (const delivery of deliveries) {
        const done = attempt(delivery).finally(() => {
          underWay.delete(delivery.id);
          options.onEnded();
        });
        underWay.set(delivery.id, { sinkId: delivery.sinkId, done });
      }
    },
    count: () => underWay.size,
    perSink() {
      const counts = new Map<string, number>();
      for (const { sinkId } of underWay.values()) counts.set(sinkId, (counts.get(sinkId) ?? 0) + 1);
      return counts;
    },
    ends: () => [...underWay.values()].map(({ done }) => done),
    abort: () => aborter.abort(),
  };
}

function logAttempt(
  log: Logger,
  delivery: ClaimedDelivery,
  { report, decision }: AttemptEnd,
): void {
  log.info("delivery.attempted", {
    deliveryId: delivery.id,
    eventId: delivery.event.id,
    eventType: delivery.event.type,
    sessionId: delivery.event.sessionId,
    sinkId: delivery.sinkId,
    attempt: delivery.attempt,
    class: report.class,
    status: report.status,
    durationMs: report.durationMs,
    outcome: decision.status,
  });
}
