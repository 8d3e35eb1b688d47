import type { DeliveryStatus } from "../port.ts";
import type { Database } from "./database.ts";

/** Keeps the due times of lanes, inside the caller's transaction. */
export interface Lanes {
  /**
   * When the lane goes on: at the end of the lease that is in flight, else when its head is due; never for a held head.
   * To be called after every change to a lane.
   */
  schedule(lane: string, sinkId: string, nowMs: number): void;
}

export function createLanes(db: Database): Lanes {
  function dueAt(lane: string, nowMs: number): number | null {
    const flight = db.one<{ ends: number | null }>(
      `SELECT MAX(next_attempt_at) AS ends FROM deliveries
       WHERE lane = ? AND status = 'delivering' AND next_attempt_at > ?
         AND status IN ('pending', 'delivering', 'retrying', 'held')`,
      lane,
      nowMs,
    );
    if (flight?.ends) return flight.ends;
    const head = db.one<{ status: DeliveryStatus; next_attempt_at: number | null }>(
      `SELECT status, next_attempt_at FROM deliveries
       WHERE lane = ? AND status IN ('pending', 'delivering', 'retrying', 'held')
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
  };
}
