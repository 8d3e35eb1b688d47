import {
  type DeliveryRecord,
  type DeliveryStatus,
  type DeliveryStore,
  SMS_SINK,
} from "../port/deliveries.ts";
import type { TextOutcome } from "../port/text_outcome.ts";
import { page } from "../port/paging.ts";
import type { AttemptLog } from "./attempt_log.ts";
import type { Buckets } from "./buckets.ts";
import { createClaiming } from "./claiming.ts";
import { conditions } from "./conditions.ts";
import type { Database } from "./database.ts";
import type { Lanes } from "./lanes.ts";
import type { PublishingSteps } from "./publishing.ts";
import { createRequeueing } from "./requeueing.ts";
import { createSettling } from "./settling.ts";
import type { Sweep } from "./sweeping.ts";

interface DeliveryRow {
  id: string;
  event_id: string;
  event_type: string;
  sink_id: string;
  session_id: string | null;
  message_index: number | null;
  status: DeliveryStatus;
  attempts: number;
  created_at: number;
  updated_at: number;
  next_attempt_at: number | null;
  outcome: TextOutcome["kind"] | null;
  error_code: number | null;
}

const NOTHING_SWEPT: Sweep = { sweptAll: true, expired: 0 };

/** Deliveries in SQLite; every method is one transaction. */
export function createSqliteDeliveries(
  db: Database,
  { publishing, lanes, log, buckets, sweep }: {
    readonly publishing: PublishingSteps;
    readonly lanes: Lanes;
    readonly log: AttemptLog;
    readonly buckets: Buckets;
    readonly sweep: (nowMs: number) => Sweep;
  },
): DeliveryStore {
  const claim = createClaiming(db, buckets, lanes);
  const requeueing = createRequeueing(db, lanes);
  const settling = createSettling(db, { publishing, lanes, log, makeDue: requeueing.makeDue });

  return {
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
    noteProgress: (request) =>
      db.write("note the progress of the delivery", () => settling.noteProgress(request)),
    resolveDelivery: (request) => db.write("resolve the delivery", () => settling.resolve(request)),
    retryDelivery: (id, nowMs) => db.write("retry the delivery", () => requeueing.retry(id, nowMs)),
    holdDeliveries: (request) => db.write("hold deliveries", () => requeueing.hold(request)),
    requeueDeliveries: (request) =>
      db.write("requeue deliveries", () => requeueing.requeue(request)),
    countDeliveries: (range) => db.read("count deliveries", () => requeueing.count(range)),
    readDelivery: (id) =>
      db.read("read the delivery", () => {
        const row = db.one<DeliveryRow & { progress_json: string | null }>(
          "SELECT * FROM deliveries WHERE id = ?",
          id,
        );
        if (row === undefined) return null;
        const attempts = db.all<{ attempt_json: string }>(
          "SELECT attempt_json FROM attempts WHERE delivery_id = ? ORDER BY attempt",
          id,
        );
        return {
          delivery: deliveryRecord(row),
          attemptsJson: attempts.map(({ attempt_json }) => attempt_json),
          progressJson: row.progress_json,
        };
      }),
    listDeliveries: ({ sinkId, status, limit, cursor = "" }) =>
      db.read("list the deliveries", () => {
        const ofTexts = conditionOfTexts(sinkId, status);
        const [where, values] = conditions({
          sink_id: sinkId,
          ...(ofTexts === null && { status }),
        });
        const rows = db.all<DeliveryRow>(
          `SELECT * FROM deliveries WHERE id > ?${where}${ofTexts ?? ""} ORDER BY id LIMIT ?`,
          cursor,
          ...values,
          limit + 1,
        );
        return page(rows.map(deliveryRecord), limit);
      }),
  };
}

const IS_SENT =
  `sink_id = '${SMS_SINK}' AND status = 'delivered' AND COALESCE(outcome, 'sent') = 'sent'`;

/** Texts by what became of them; null: the status of the delivery tells. SQLite uses the partial indexes only in these very words. */
function conditionOfTexts(
  sinkId: string | undefined,
  status: Parameters<DeliveryStore["listDeliveries"]>[0]["status"],
): string | null {
  switch (status) {
    case "sent":
      return ` AND ${IS_SENT}`;
    case "undelivered":
      return " AND outcome = 'undelivered'";
    case "delivered":
      if (sinkId === SMS_SINK) return " AND outcome = 'delivered'";
      return sinkId === undefined
        ? ` AND (outcome = 'delivered' OR (status = 'delivered' AND sink_id <> '${SMS_SINK}'))`
        : null;
    default:
      return null;
  }
}

function deliveryRecord(row: DeliveryRow): DeliveryRecord {
  return {
    id: row.id,
    eventId: row.event_id,
    eventType: row.event_type,
    sinkId: row.sink_id,
    sessionId: row.session_id,
    messageIndex: row.message_index,
    status: row.status,
    attempts: row.attempts,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
    nextAttemptAtMs: row.next_attempt_at,
    outcome: row.outcome === null ? null : {
      kind: row.outcome,
      ...(row.error_code !== null && { errorCode: row.error_code }),
    },
  };
}
