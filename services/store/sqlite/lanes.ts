import type { DeliveryStatus } from "../port/deliveries.ts";
import type { Database } from "./database.ts";
import { IS_OPEN } from "./status_sql.ts";

/** Keeps the due times of lanes, inside the caller's transaction. */
export interface Lanes {
  /**
   * Sets when the lane goes on: when the lease in flight ends, else when its head is due. Behind a held head it does not.
   * To be called after every change to a lane.
   */
  schedule(lane: string, sinkId: string, nowMs: number): void;
  /** When each sink with a lane has something due, the longest due first. */
  sinks(): { readonly sinkId: string; readonly dueAtMs: number }[];
}

export function createLanes(db: Database): Lanes {
  function dueAt(lane: string, nowMs: number): number | null {
    const flight = db.one<{ ends: number | null }>(
      `SELECT MAX(next_attempt_at) AS ends FROM deliveries
       WHERE lane = ? AND status = 'delivering' AND next_attempt_at > ?
         AND ${IS_OPEN}`,
      lane,
      nowMs,
    );
    if (flight?.ends) return flight.ends;
    const head = db.one<{ status: DeliveryStatus; next_attempt_at: number | null }>(
      `SELECT status, next_attempt_at FROM deliveries
       WHERE lane = ? AND ${IS_OPEN}
       ORDER BY position LIMIT 1`,
      lane,
    );
    if (head === undefined || head.status === "held") return null;
    return head.next_attempt_at ?? nowMs;
  }

  return {
    schedule(lane, sinkId, nowMs) {
      const due = dueAt(lane, nowMs);
      if (due === null) db.run("DELETE FROM lanes WHERE lane = ?", lane);
      else {
        db.run(
          "INSERT OR REPLACE INTO lanes (lane, sink_id, due_at) VALUES (?, ?, ?)",
          lane,
          sinkId,
          due,
        );
      }
    },
    // Found by hopping along the index, so that the cost grows with the sinks and not with the lanes.
    sinks: () =>
      db.all<{ sink_id: string; due_at: number }>(
        `WITH RECURSIVE sinks (sink_id) AS (
           SELECT MIN(sink_id) FROM lanes
           UNION ALL
           SELECT (SELECT MIN(sink_id) FROM lanes WHERE lanes.sink_id > sinks.sink_id)
           FROM sinks WHERE sinks.sink_id IS NOT NULL)
         SELECT sink_id,
           (SELECT MIN(due_at) FROM lanes WHERE lanes.sink_id = sinks.sink_id) AS due_at
         FROM sinks WHERE sink_id IS NOT NULL ORDER BY due_at, sink_id`,
      ).map(({ sink_id, due_at }) => ({ sinkId: sink_id, dueAtMs: due_at })),
  };
}
