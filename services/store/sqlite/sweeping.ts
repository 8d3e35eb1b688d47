import type { StorePolicy } from "../port/store.ts";
import { firstDeliveryIdAt, firstEventIdAt } from "../delivery_id.ts";
import { EXPIRED_SHOWN_MS, SWEEP_LIMIT } from "../rules.ts";
import type { Database } from "./database.ts";
import type { Lanes } from "./lanes.ts";
import { IS_FINISHED, IS_OPEN } from "./status_sql.ts";

export interface Sweep {
  /** False where there is more to drop than one sweep does. */
  readonly sweptAll: boolean;
  /** How many open deliveries expired. */
  readonly expired: number;
}

/**
 * Drops what is past its time and lets what is still open expire, at most `SWEEP_LIMIT` rows of each kind, inside the
 * caller's transaction.
 */
export function createSweeper(
  db: Database,
  policy: StorePolicy,
  lanes: Lanes,
): (nowMs: number) => Sweep {
  function expire(before: string, nowMs: number): number {
    const expired = db.all<{ lane: string; sink_id: string }>(
      `UPDATE deliveries SET status = 'expired', lease_token = NULL, next_attempt_at = NULL,
         updated_at = ?
       WHERE id IN (SELECT id FROM deliveries WHERE id < ?
         AND ${IS_OPEN} LIMIT ?)
       RETURNING lane, sink_id`,
      nowMs,
      before,
      SWEEP_LIMIT,
    );
    for (const { lane, sink_id } of expired) lanes.schedule(lane, sink_id, nowMs);
    return expired.length;
  }

  function dropDeliveries(before: string, expiredBefore: string): number {
    const gone = db.all<{ id: string }>(
      `DELETE FROM deliveries WHERE id IN (
         SELECT id FROM deliveries WHERE id < ?
           AND (${IS_FINISHED} OR (status = 'expired' AND id < ?))
         LIMIT ?)
       RETURNING id`,
      before,
      expiredBefore,
      SWEEP_LIMIT,
    );
    for (const { id } of gone) db.run("DELETE FROM attempts WHERE delivery_id = ?", id);
    return gone.length;
  }

  function dropEvents(before: string): number {
    return db.run(
      "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE id < ? LIMIT ?)",
      before,
      SWEEP_LIMIT,
    );
  }

  function dropSessions(nowMs: number): number {
    const dropped = db.run(
      "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at <= ? LIMIT ?)",
      nowMs,
      SWEEP_LIMIT,
    );
    db.run("DELETE FROM claims WHERE until <= ?", nowMs);
    const forgotten = db.all<{ id: string }>(
      `DELETE FROM session_memory
       WHERE id IN (SELECT id FROM session_memory WHERE expires_at <= ? LIMIT ?) RETURNING id`,
      nowMs,
      SWEEP_LIMIT,
    );
    for (const { id } of forgotten) db.run("DELETE FROM seen_messages WHERE session_id = ?", id);
    return Math.max(dropped, forgotten.length);
  }

  function dropRecords(nowMs: number): number {
    return db.run(
      `DELETE FROM records WHERE (kind, near, key) IN (
         SELECT kind, near, key FROM records WHERE until <= ? LIMIT ?)`,
      nowMs,
      SWEEP_LIMIT,
    );
  }

  function dropRevocations(nowMs: number): number {
    return db.run(
      `DELETE FROM revoked_tokens WHERE position IN (
         SELECT position FROM revoked_tokens WHERE until <= ? LIMIT ?)`,
      nowMs,
      SWEEP_LIMIT,
    );
  }

  return function sweep(nowMs) {
    const oldestMs = nowMs - policy.eventRetentionMs;
    const expired = expire(firstDeliveryIdAt(oldestMs), nowMs);
    const most = Math.max(
      expired,
      dropDeliveries(firstDeliveryIdAt(oldestMs), firstDeliveryIdAt(oldestMs - EXPIRED_SHOWN_MS)),
      dropEvents(firstEventIdAt(oldestMs)),
      dropSessions(nowMs),
      dropRecords(nowMs),
      dropRevocations(nowMs),
    );
    return { sweptAll: most < SWEEP_LIMIT, expired };
  };
}
