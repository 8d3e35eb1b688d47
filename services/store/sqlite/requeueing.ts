import { type DeliveryRange, type DeliveryStatus, type DeliveryStore } from "../port/deliveries.ts";
import { firstDeliveryIdAt } from "../delivery_id.ts";
import { isSpent } from "../rules.ts";
import type { Database } from "./database.ts";
import type { Lanes } from "./lanes.ts";
import { IS_WAITING } from "./status_sql.ts";

/** A delivery's place in its lane. */
export interface Place {
  id: string;
  lane: string;
  sink_id: string;
}

/** Bringing deliveries back, and holding them, inside the caller's transaction. */
export interface Requeueing {
  /** Makes a delivery due at its old place in its lane, on a new ladder. */
  makeDue(place: Place, nowMs: number): void;
  retry(id: string, nowMs: number): "due" | "in-flight" | "spent" | null;
  hold(request: Parameters<DeliveryStore["holdDeliveries"]>[0]): number;
  requeue(
    request: Parameters<DeliveryStore["requeueDeliveries"]>[0],
  ): { readonly requeued: number; readonly nextCursor: string | null };
  count(range: DeliveryRange): number;
}

export function createRequeueing(db: Database, lanes: Lanes): Requeueing {
  function makeDue({ id, lane, sink_id }: Place, nowMs: number): void {
    db.run(
      `UPDATE deliveries SET status = CASE attempts WHEN 0 THEN 'pending' ELSE 'retrying' END,
         ladder_start = attempts, next_attempt_at = ?, updated_at = ? WHERE id = ?`,
      nowMs,
      nowMs,
      id,
    );
    lanes.schedule(lane, sink_id, nowMs);
  }

  function retry(id: string, nowMs: number): "due" | "in-flight" | "spent" | null {
    const delivery = db.one<Place & { status: DeliveryStatus }>(
      "SELECT id, lane, sink_id, status FROM deliveries WHERE id = ?",
      id,
    );
    if (delivery === undefined) return null;
    if (delivery.status === "delivering") return "in-flight";
    if (isSpent(delivery.sink_id, delivery.status)) return "spent";
    makeDue(delivery, nowMs);
    return "due";
  }

  function hold({ sinkId, limit, nowMs }: Parameters<DeliveryStore["holdDeliveries"]>[0]): number {
    const held = db.all<{ lane: string }>(
      `UPDATE deliveries SET status = 'held', next_attempt_at = NULL, updated_at = ?
       WHERE id IN (
         SELECT id FROM deliveries WHERE sink_id = ? AND ${IS_WAITING} LIMIT ?)
       RETURNING lane`,
      nowMs,
      sinkId,
      limit,
    );
    for (const lane of new Set(held.map(({ lane }) => lane))) {
      lanes.schedule(lane, sinkId, nowMs);
    }
    return held.length;
  }

  function requeue(request: Parameters<DeliveryStore["requeueDeliveries"]>[0]) {
    const { nowMs, limit, cursor = "" } = request;
    const places = db.all<Place>(
      `SELECT id, lane, sink_id FROM deliveries
       WHERE ${IN_RANGE} AND id > ? ORDER BY id LIMIT ?`,
      ...rangeValues(request),
      cursor,
      limit,
    );
    for (const place of places) makeDue(place, nowMs);
    const last = places.at(-1);
    return {
      requeued: places.length,
      nextCursor: last === undefined || places.length < limit ? null : last.id,
    };
  }

  function count(range: DeliveryRange): number {
    const row = db.one<{ n: number }>(
      `SELECT COUNT(*) AS n FROM deliveries WHERE ${IN_RANGE}`,
      ...rangeValues(range),
    );
    return row?.n ?? 0;
  }

  return { makeDue, retry, hold, requeue, count };
}

const IN_RANGE = `sink_id = ? AND status IN (SELECT value FROM json_each(?))
  AND id >= ? AND id < ?`;

function rangeValues({ sinkId, statuses, fromMs, untilMs }: DeliveryRange): string[] {
  return [
    sinkId,
    JSON.stringify(statuses),
    firstDeliveryIdAt(fromMs),
    firstDeliveryIdAt(untilMs),
  ];
}
