import type {
  ClaimDeliveriesRequest,
  ClaimedBatch,
  ClaimedDelivery,
  Customer,
  DeliveryStatus,
  Outbox,
  Settlement,
} from "../port.ts";
import { SMS_SINK } from "../port.ts";
import { ATTEMPTS_KEPT } from "../rules.ts";
import { shareBySink } from "../sharing.ts";
import type { Database } from "./database.ts";
import { eventRecord, type EventRow } from "./history.ts";
import type { PublishingSteps } from "./publishing.ts";

interface HeadRow extends EventRow {
  delivery_id: string;
  sink_id: string;
  status: DeliveryStatus;
  attempts: number;
  message_index: number | null;
}

/** The outbox in SQLite; every method is one transaction. */
export function createSqliteOutbox(
  db: Database,
  publishing: PublishingSteps,
  sweep: (nowMs: number) => void,
): Outbox {
  function claim(request: ClaimDeliveriesRequest): ClaimedBatch {
    const { nowMs, limit } = request;
    if (request.sweep) sweep(nowMs);
    const room = (sinkId: string) => request.capacity[sinkId] ?? request.capacityPerSink;
    const dueBySink = waitingSinks()
      .filter(({ sinkId }) => room(sinkId) > 0)
      .map(({ sinkId }) => dueLanes(sinkId, nowMs, Math.min(room(sinkId), limit)));
    const deliveries = shareBySink(dueBySink, limit)
      .map((lane) => lease(lane, request))
      .filter((delivery) => delivery !== null);
    const taken = Map.groupBy(deliveries, ({ sinkId }) => sinkId);
    const next = waitingSinks()
      .find(({ sinkId }) => room(sinkId) > (taken.get(sinkId)?.length ?? 0));
    return { deliveries, nextDueAtMs: next?.dueAtMs ?? null };
  }

  /**
   * Every sink with a lane, the longest due first. Found by hopping along the index, so that the cost grows with the
   * sinks and not with the lanes.
   */
  function waitingSinks(): { sinkId: string; dueAtMs: number }[] {
    return db.all<{ sink_id: string; due_at: number }>(
      `WITH RECURSIVE sinks (sink_id) AS (
         SELECT MIN(sink_id) FROM lanes
         UNION ALL
         SELECT (SELECT MIN(sink_id) FROM lanes WHERE lanes.sink_id > sinks.sink_id)
         FROM sinks WHERE sinks.sink_id IS NOT NULL)
       SELECT sink_id,
         (SELECT MIN(due_at) FROM lanes WHERE lanes.sink_id = sinks.sink_id) AS due_at
       FROM sinks WHERE sink_id IS NOT NULL ORDER BY due_at, sink_id`,
    ).map(({ sink_id, due_at }) => ({ sinkId: sink_id, dueAtMs: due_at }));
  }

  function dueLanes(sinkId: string, nowMs: number, most: number): string[] {
    return db.all<{ lane: string }>(
      "SELECT lane FROM lanes WHERE sink_id = ? AND due_at <= ? ORDER BY due_at LIMIT ?",
      sinkId,
      nowMs,
      most,
    ).map(({ lane }) => lane);
  }

  /** Takes the head of a lane; null (and no lane any more) when nothing of it is left. */
  function lease(lane: string, request: ClaimDeliveriesRequest): ClaimedDelivery | null {
    const head = db.one<HeadRow>(
      `SELECT d.id AS delivery_id, d.sink_id, d.status, d.attempts, d.message_index, e.*
       FROM deliveries d JOIN events e ON e.id = d.event_id
       WHERE d.lane = ? AND d.status IN ('pending', 'delivering', 'retrying', 'held')
       ORDER BY d.position LIMIT 1`,
      lane,
    );
    if (head === undefined) {
      db.run("DELETE FROM lanes WHERE lane = ?", lane);
      return null;
    }
    db.run(
      `UPDATE deliveries SET status = 'delivering', attempts = attempts + 1, lease_token = ?,
         next_attempt_at = ?, updated_at = ? WHERE id = ?`,
      request.leaseToken,
      request.leaseUntilMs,
      request.nowMs,
      head.delivery_id,
    );
    db.run("UPDATE lanes SET due_at = ? WHERE lane = ?", request.leaseUntilMs, lane);
    return {
      id: head.delivery_id,
      sinkId: head.sink_id,
      leaseToken: request.leaseToken,
      attempt: head.attempts + 1,
      interrupted: head.status === "delivering",
      messageIndex: head.message_index,
      event: eventRecord(head),
      customer: head.sink_id === SMS_SINK ? customerOf(head.session_id) : null,
    };
  }

  function customerOf(sessionId: string | null): Customer | null {
    const row = db.one<{ phone: string | null; sender: string | null }>(
      "SELECT phone, sender FROM session_memory WHERE id = ?",
      sessionId,
    );
    return row?.phone ? { phone: row.phone, sender: row.sender } : null;
  }

  function settle(settlement: Settlement): "settled" | "fenced" {
    const { deliveryId, nowMs, next } = settlement;
    const atMs = next.status === "retrying" ? next.atMs : null;
    const row = db.one<{ lane: string; attempts: number }>(
      `UPDATE deliveries SET status = ?, lease_token = NULL, next_attempt_at = ?, updated_at = ?
       WHERE id = ? AND lease_token = ? AND status = 'delivering' RETURNING lane, attempts`,
      next.status,
      atMs,
      nowMs,
      deliveryId,
      settlement.leaseToken,
    );
    if (row === undefined) return "fenced";
    logAttempt(deliveryId, row.attempts, settlement.attemptJson);
    moveOn(row.lane, atMs ?? nowMs);
    for (const draft of settlement.drafts) publishing.publish(draft, nowMs);
    return "settled";
  }

  function logAttempt(deliveryId: string, attempt: number, attemptJson: string): void {
    db.run("INSERT OR REPLACE INTO attempts VALUES (?, ?, ?)", deliveryId, attempt, attemptJson);
    db.run(
      "DELETE FROM attempts WHERE delivery_id = ? AND attempt <= ?",
      deliveryId,
      attempt - ATTEMPTS_KEPT,
    );
  }

  /** The lane's next delivery is due at `dueAtMs`; a lane with nothing open goes. */
  function moveOn(lane: string, dueAtMs: number): void {
    db.run(
      `DELETE FROM lanes WHERE lane = ?1 AND NOT EXISTS (
         SELECT 1 FROM deliveries
         WHERE lane = ?1 AND status IN ('pending', 'delivering', 'retrying', 'held'))`,
      lane,
    );
    db.run("UPDATE lanes SET due_at = ? WHERE lane = ?", dueAtMs, lane);
  }

  function retry(id: string, nowMs: number): "due" | "in-flight" | null {
    const delivery = db.one<{ status: DeliveryStatus; lane: string; sink_id: string }>(
      "SELECT status, lane, sink_id FROM deliveries WHERE id = ?",
      id,
    );
    if (delivery === undefined) return null;
    if (delivery.status === "delivering") return "in-flight";
    db.run(
      "UPDATE deliveries SET status = 'retrying', next_attempt_at = ?, updated_at = ? WHERE id = ?",
      nowMs,
      nowMs,
      id,
    );
    // Another delivery of the lane may be in flight: then this one is next when that settles.
    const busy = db.one(
      "SELECT 1 FROM deliveries WHERE lane = ? AND status = 'delivering'",
      delivery.lane,
    );
    if (busy === undefined) {
      db.run(
        "INSERT OR REPLACE INTO lanes (lane, sink_id, due_at) VALUES (?, ?, ?)",
        delivery.lane,
        delivery.sink_id,
        nowMs,
      );
    }
    return "due";
  }

  return {
    publish: ({ drafts, nowMs, webhooksVersion }) =>
      db.write("publish the events", () => {
        if (!publishing.isCurrent(webhooksVersion)) return { outcome: "stale-webhooks" };
        return {
          outcome: "published",
          events: drafts.map((draft) => publishing.publish(draft, nowMs)),
        };
      }),
    claimDeliveries: (request) => db.write("claim deliveries", () => claim(request)),
    settleDeliveries: ({ settlements, webhooksVersion }) =>
      db.write("settle deliveries", () => {
        const publishes = settlements.some(({ drafts }) => drafts.length > 0);
        if (publishes && !publishing.isCurrent(webhooksVersion)) {
          return { outcome: "stale-webhooks" };
        }
        return { outcome: "settled", results: settlements.map(settle) };
      }),
    retryDelivery: (id, nowMs) => db.write("retry the delivery", () => retry(id, nowMs)),
  };
}
