import { deliveryIdPrefix } from "../delivery_id.ts";
import type { EventRecord, EventStore } from "../port/events.ts";
import { page } from "../port/paging.ts";
import { EXPUNGED_DATA_JSON } from "../rules.ts";
import { dropExcerpts } from "./attempt_log.ts";
import { conditions } from "./conditions.ts";
import type { Database } from "./database.ts";
import type { PublishingSteps } from "./publishing.ts";

/** A row of `events`. */
export interface EventRow {
  id: string;
  type: string;
  session_id: string | null;
  sequence: number | null;
  agent_id: string | null;
  occurred_at: number;
  data_json: string;
}

export function eventRecord(row: EventRow): EventRecord {
  return {
    id: row.id,
    type: row.type,
    sessionId: row.session_id,
    sequence: row.sequence,
    agentId: row.agent_id,
    occurredAtMs: row.occurred_at,
    dataJson: row.data_json,
  };
}

/** Events in SQLite; every method is one transaction. */
export function createSqliteEvents(db: Database, publishing: PublishingSteps): EventStore {
  return {
    publish: ({ drafts, nowMs, webhooksVersion }) =>
      db.write("publish the events", () => {
        if (!publishing.isCurrent(webhooksVersion)) return { outcome: "stale-webhooks" };
        return {
          outcome: "published",
          events: drafts.map((draft) => publishing.publish(draft, nowMs)),
        };
      }),
    readEvent: (id) =>
      db.read("read the event", () => {
        const row = db.one<EventRow>("SELECT * FROM events WHERE id = ?", id);
        return row === undefined ? null : eventRecord(row);
      }),
    listEvents: ({ sessionId, type, limit, cursor = "" }) =>
      db.read("list the events", () => {
        const [where, values] = conditions({ session_id: sessionId, type });
        const rows = db.all<EventRow>(
          `SELECT * FROM events WHERE id > ?${where} ORDER BY id LIMIT ?`,
          cursor,
          ...values,
          limit + 1,
        );
        return page(rows.map(eventRecord), limit);
      }),
    expungeSession: async (sessionId) => {
      const events = await db.write("expunge the session", () => expunge(db, sessionId));
      // What was overwritten stands in the log still, until that is written back and cut off.
      if (events > 0) await db.read("expunge the session", () => db.truncateLog());
      return events;
    },
  };
}

function expunge(db: Database, sessionId: string): number {
  const events = db.all<{ id: string }>(
    "UPDATE events SET data_json = ? WHERE session_id = ? RETURNING id",
    EXPUNGED_DATA_JSON,
    sessionId,
  );
  for (const { id } of events) {
    const prefix = deliveryIdPrefix(id);
    dropExcerpts(db, prefix, `${prefix}~`);
    db.run("UPDATE deliveries SET expunged = 1 WHERE id >= ? AND id < ?", prefix, `${prefix}~`);
  }
  db.run(
    `UPDATE session_memory SET phone = NULL, phone_digits = NULL, sender = NULL,
       sender_digits = NULL, phone_given = 0, state_hash = NULL
     WHERE id = ?`,
    sessionId,
  );
  return events.length;
}
