import type { DeliveryStore } from "../port/deliveries.ts";
import type { EventStore } from "../port/events.ts";
import type { AttemptLog } from "./attempt_log.ts";
import type { Buckets } from "./buckets.ts";
import { createClaiming } from "./claiming.ts";
import type { Database } from "./database.ts";
import type { Lanes } from "./lanes.ts";
import type { PublishingSteps } from "./publishing.ts";
import type { Requeueing } from "./requeueing.ts";
import { createSettling } from "./settling.ts";
import type { Sweep } from "./sweeping.ts";

const NOTHING_SWEPT: Sweep = { sweptAll: true, expired: 0 };

/** The outbox in SQLite; every method is one transaction. */
export function createSqliteOutbox(
  db: Database,
  { publishing, lanes, requeueing, log, buckets, sweep }: {
    readonly publishing: PublishingSteps;
    readonly lanes: Lanes;
    readonly requeueing: Requeueing;
    readonly log: AttemptLog;
    readonly buckets: Buckets;
    readonly sweep: (nowMs: number) => Sweep;
  },
):
  & Pick<EventStore, "publish">
  & Omit<DeliveryStore, "noteProgress" | "resolveDelivery" | "readDelivery" | "listDeliveries"> {
  const claim = createClaiming(db, buckets, lanes);
  const settling = createSettling(db, publishing, lanes, log);

  return {
    publish: ({ drafts, nowMs, webhooksVersion }) =>
      db.write("publish the events", () => {
        if (!publishing.isCurrent(webhooksVersion)) return { outcome: "stale-webhooks" };
        return {
          outcome: "published",
          events: drafts.map((draft) => publishing.publish(draft, nowMs)),
        };
      }),
    claimDeliveries: (request) =>
      db.write("claim deliveries", () => {
        const swept = request.sweep ? sweep(request.nowMs) : NOTHING_SWEPT;
        return { ...claim(request), ...swept };
      }),
    settleDeliveries: ({ settlements, webhooksVersion }) =>
      db.write("settle deliveries", () => {
        const publishes = settlements.some(({ drafts }) => drafts.length > 0);
        if (publishes && !publishing.isCurrent(webhooksVersion)) {
          return { outcome: "stale-webhooks" };
        }
        const results = settlements.map(settling.settle);
        const settled = settlements.filter((_, at) => results[at] === "settled");
        return {
          outcome: "settled",
          results,
          failing: settling.failing(settled),
          nextDueAtMs: lanes.sinks()[0]?.dueAtMs ?? null,
          tellsAll: true,
        };
      }),
    retryDelivery: (id, nowMs) => db.write("retry the delivery", () => requeueing.retry(id, nowMs)),
    holdDeliveries: (request) => db.write("hold deliveries", () => requeueing.hold(request)),
    requeueDeliveries: (request) =>
      db.write("requeue deliveries", () => requeueing.requeue(request)),
    countDeliveries: (range) => db.read("count deliveries", () => requeueing.count(range)),
  };
}
