import type { StorePolicy } from "../port.ts";
import { firstDeliveryIdAt, firstEventIdAt } from "../delivery_id.ts";
import { SWEEP_LIMIT } from "../rules.ts";
import type { Database } from "./database.ts";

/** Drops what is past its time, at most `SWEEP_LIMIT` rows of each kind, inside the caller's transaction. */
export function createSweeper(db: Database, policy: StorePolicy): (nowMs: number) => void {
  return function sweep(nowMs) {
    const oldestMs = nowMs - policy.eventRetentionMs;
    db.run(
      "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE id < ? LIMIT ?)",
      firstEventIdAt(oldestMs),
      SWEEP_LIMIT,
    );
    const gone = db.all<{ id: string }>(
      `DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE id < ? LIMIT ?)
       RETURNING id`,
      firstDeliveryIdAt(oldestMs),
      SWEEP_LIMIT,
    );
    for (const { id } of gone) db.run("DELETE FROM attempts WHERE delivery_id = ?", id);
    db.run(
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
    for (const { id } of forgotten) {
      db.run("DELETE FROM seen_messages WHERE session_id = ?", id);
    }
  };
}
