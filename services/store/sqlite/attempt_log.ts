import { ATTEMPTS_KEPT, EXCERPT_MEMBER } from "../rules.ts";
import type { Database } from "./database.ts";

/** The logs of what deliveries went through, inside the caller's transaction. */
export interface AttemptLog {
  /** Adds an entry as the last. `expunged`: without what the consumer answered, as an echo of the text would be left of it. */
  append(deliveryId: string, entryJson: string, expunged: boolean): void;
}

export function createAttemptLog(db: Database): AttemptLog {
  return {
    append(deliveryId, entryJson, expunged) {
      const row = db.one<{ last: number | null }>(
        "SELECT MAX(attempt) AS last FROM attempts WHERE delivery_id = ?",
        deliveryId,
      );
      const place = (row?.last ?? 0) + 1;
      db.run("INSERT INTO attempts VALUES (?, ?, ?)", deliveryId, place, entryJson);
      db.run(
        "DELETE FROM attempts WHERE delivery_id = ? AND attempt <= ?",
        deliveryId,
        place - ATTEMPTS_KEPT,
      );
      if (expunged) dropExcerpts(db, deliveryId, deliveryId);
    },
  };
}

/** Forgets what consumers answered to deliveries with ids from `first` to `last`. */
export function dropExcerpts(db: Database, first: string, last: string): void {
  db.run(
    `UPDATE attempts SET attempt_json = json_remove(attempt_json, '$.${EXCERPT_MEMBER}')
     WHERE delivery_id BETWEEN ? AND ?`,
    first,
    last,
  );
}
