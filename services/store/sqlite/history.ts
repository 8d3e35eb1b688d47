import type { DeliveryStore } from "../port/deliveries.ts";
import type { EventStore } from "../port/events.ts";
import type { DeliveryRecord, DeliveryStatus } from "../port/deliveries.ts";
import type { EventRecord } from "../port/events.ts";
import { page } from "../port/paging.ts";
import { deliveryIdPrefix } from "../delivery_id.ts";
import { EXPUNGED_DATA_JSON } from "../rules.ts";
import type { Database } from "./database.ts";

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
  };
}

/** Events and deliveries as they are kept in SQLite. */
export function createSqliteHistory(db: Database):
  & Pick<EventStore, "readEvent" | "listEvents" | "expungeSession">
  & Pick<DeliveryStore, "readDelivery" | "listDeliveries"> {
  return {
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
        const [where, values] = conditions({ sink_id: sinkId, status });
        const rows = db.all<DeliveryRow>(
          `SELECT * FROM deliveries WHERE id > ?${where} ORDER BY id LIMIT ?`,
          cursor,
          ...values,
          limit + 1,
        );
        return page(rows.map(deliveryRecord), limit);
      }),
    expungeSession: async (sessionId) => {
      const events = await db.write("expunge the session", () => expunge(db, sessionId));
      // What was overwritten stands in the log still, until that is written back and cut off.
      if (events > 0) await db.read("expunge the session", () => db.truncateLog());
      return events;
    },
  };
}

/** Forgets what consumers answered to deliveries with ids from `first` to `last`. */
export function dropExcerpts(db: Database, first: string, last: string): void {
  db.run(
    `UPDATE attempts SET attempt_json = json_remove(attempt_json, '$.responseExcerpt')
     WHERE delivery_id BETWEEN ? AND ?`,
    first,
    last,
  );
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

/** ` AND column = ?` for each column that has a value. The columns are this file's own words. */
function conditions(columns: Record<string, string | undefined>): [string, string[]] {
  const given = Object.entries(columns).filter((entry): entry is [string, string] =>
    entry[1] !== undefined
  );
  return [
    given.map(([column]) => ` AND ${column} = ?`).join(""),
    given.map(([, value]) => value),
  ];
}
