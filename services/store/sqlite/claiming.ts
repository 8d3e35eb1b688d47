import {
  type ClaimDeliveriesRequest,
  type ClaimedBatch,
  type ClaimedDelivery,
  type DeliveryStatus,
  SMS_SINK,
} from "../port/deliveries.ts";
import type { Customer } from "../port/sessions.ts";
import { type Buckets, fillingMs } from "./buckets.ts";
import type { Database } from "./database.ts";
import { eventRecord, type EventRow } from "./events.ts";
import type { Lanes } from "./lanes.ts";
import { shareBySink } from "./sharing.ts";
import { IS_OPEN } from "./status_sql.ts";

interface HeadRow extends EventRow {
  delivery_id: string;
  sink_id: string;
  status: DeliveryStatus;
  attempts: number;
  ladder_start: number;
  message_index: number | null;
  progress_json: string | null;
}

/** A sink with a waiting lane. */
interface WaitingSink {
  readonly sinkId: string;
  /** Of its first lane. */
  readonly dueAtMs: number;
  /** How many more of its deliveries may be taken now. */
  readonly room: number;
  /** When its bucket has a token again; 0 where it has one, or where there is no bucket. */
  readonly tokenAtMs: number;
}

/** Taking the heads of due lanes, inside the caller's transaction. */
export function createClaiming(
  db: Database,
  buckets: Buckets,
  lanes: Pick<Lanes, "sinks">,
): (request: ClaimDeliveriesRequest) => Pick<ClaimedBatch, "deliveries" | "nextDueAtMs"> {
  function waitingSinks(request: ClaimDeliveriesRequest): WaitingSink[] {
    return lanes.sinks().map(({ sinkId, dueAtMs }) => {
      const places = request.capacity[sinkId] ?? request.capacityPerSink;
      const rate = request.rates[sinkId];
      if (rate === undefined) return { sinkId, dueAtMs, room: places, tokenAtMs: 0 };
      const tokens = buckets.tokens(sinkId, rate, request.nowMs);
      const wait = fillingMs(1 - tokens, rate);
      // A sink without places has no room, and nobody knows for how long; one without tokens has room at a known time.
      return {
        sinkId,
        dueAtMs,
        room: Math.min(places, Math.floor(tokens)),
        tokenAtMs: places > 0 && wait > 0 ? request.nowMs + wait : 0,
      };
    });
  }

  function dueLanes(sinkId: string, nowMs: number, most: number): string[] {
    return db.all<{ lane: string }>(
      "SELECT lane FROM lanes WHERE sink_id = ? AND due_at <= ? ORDER BY due_at LIMIT ?",
      sinkId,
      nowMs,
      most,
    ).map(({ lane }) => lane);
  }

  /** Takes the head of a lane. Where nothing of the lane is left, removes it and returns null. */
  function lease(lane: string, request: ClaimDeliveriesRequest): ClaimedDelivery | null {
    const head = db.one<HeadRow>(
      `SELECT d.id AS delivery_id, d.sink_id, d.status, d.attempts, d.ladder_start,
         d.message_index, d.progress_json, e.*
       FROM deliveries d JOIN events e ON e.id = d.event_id
       WHERE d.lane = ? AND ${IS_OPEN}
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
      attempt: head.attempts + 1 - head.ladder_start,
      interrupted: head.status === "delivering",
      messageIndex: head.message_index,
      event: eventRecord(head),
      customer: head.sink_id === SMS_SINK ? customerOf(head.session_id) : null,
      progressJson: head.progress_json,
    };
  }

  function customerOf(sessionId: string | null): Customer | null {
    const row = db.one<{ phone: string | null; sender: string | null }>(
      "SELECT phone, sender FROM session_memory WHERE id = ?",
      sessionId,
    );
    return row?.phone ? { phone: row.phone, sender: row.sender } : null;
  }

  return function claim(request) {
    const { nowMs, limit } = request;
    const open = waitingSinks(request).filter(({ room }) => room > 0);
    const due = open.map(({ sinkId, room }) => dueLanes(sinkId, nowMs, Math.min(room, limit)));
    const deliveries = shareBySink(due, limit)
      .map((lane) => lease(lane, request))
      .filter((delivery) => delivery !== null);
    const taken = Map.groupBy(deliveries, ({ sinkId }) => sinkId);
    for (const [sinkId, rate] of Object.entries(request.rates)) {
      buckets.take(sinkId, rate, taken.get(sinkId)?.length ?? 0, nowMs);
    }
    const left = (sinkId: string) =>
      (request.capacity[sinkId] ?? request.capacityPerSink) - (taken.get(sinkId)?.length ?? 0);
    const times = waitingSinks(request)
      .filter(({ sinkId }) => left(sinkId) > 0)
      .map(({ dueAtMs, tokenAtMs }) => Math.max(dueAtMs, tokenAtMs));
    return { deliveries, nextDueAtMs: times.length === 0 ? null : Math.min(...times) };
  };
}
