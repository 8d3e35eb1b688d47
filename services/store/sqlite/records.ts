import { page } from "../port/paging.ts";
import type { RecordName, RecordStore, RecordWrite } from "../port/records.ts";
import type { Database } from "./database.ts";

/** Records, inside the caller's transaction. */
export interface RecordSteps {
  /** What the record holds; null where it holds nothing, or has lapsed. */
  text(name: RecordName, nowMs: number): string | null;
  /** Makes it hold `text`, or nothing, whatever it held before. Returns what it holds then. */
  put(write: Omit<RecordWrite, "expected">): string | null;
}

/** Stands for no session: none has this id. */
const NOWHERE = "";

/*
 * node:sqlite cuts a text at a NUL when it gives it back, though not when it stores or compares it: a key or a text may
 * hold one, so both are read as bytes.
 */
const decoder = new TextDecoder();

export function createRecordSteps(db: Database): RecordSteps {
  return {
    text({ kind, key, near = NOWHERE }, nowMs) {
      const row = db.one<{ bytes: Uint8Array }>(
        `SELECT CAST(text AS BLOB) AS bytes FROM records
         WHERE kind = ? AND near = ? AND key = ? AND (until IS NULL OR until > ?)`,
        kind,
        near,
        key,
        nowMs,
      );
      return row === undefined ? null : decoder.decode(row.bytes);
    },
    put({ kind, key, near = NOWHERE, text, untilMs, outcome, nowMs }) {
      if (outcome !== undefined) {
        db.run(
          "UPDATE deliveries SET outcome = ?, error_code = ? WHERE id = ?",
          outcome.kind,
          outcome.errorCode ?? null,
          key,
        );
      }
      if (text === null || (untilMs !== null && untilMs <= nowMs)) {
        db.run("DELETE FROM records WHERE kind = ? AND near = ? AND key = ?", kind, near, key);
        return null;
      }
      db.run(
        "INSERT OR REPLACE INTO records (kind, near, key, text, until) VALUES (?, ?, ?, ?, ?)",
        kind,
        near,
        key,
        text,
        untilMs,
      );
      return text;
    },
  };
}

/** Records in SQLite; every method is one transaction. */
export function createSqliteRecords(db: Database, records: RecordSteps): RecordStore {
  return {
    readRecord: (name, nowMs) => db.read("read the record", () => records.text(name, nowMs)),
    writeRecord: ({ expected, ...write }) =>
      db.write("write the record", () => {
        if (expected !== undefined) {
          const held = records.text(write, write.nowMs);
          if (held !== expected) return { written: false, text: held };
        }
        return { written: true, text: records.put(write) };
      }),
    listRecords: ({ kind, nowMs, limit, cursor = "" }) =>
      db.read("list the records", () => {
        const rows = db.all<{ id: Uint8Array; text: Uint8Array }>(
          `SELECT CAST(key AS BLOB) AS id, CAST(text AS BLOB) AS text FROM records
           WHERE kind = ? AND near = ? AND key > ? AND (until IS NULL OR until > ?)
           ORDER BY key LIMIT ?`,
          kind,
          NOWHERE,
          cursor,
          nowMs,
          limit + 1,
        );
        const { items, nextCursor } = page(
          rows.map(({ id, text }) => ({ id: decoder.decode(id), text: decoder.decode(text) })),
          limit,
        );
        return { items: items.map(({ id, text }) => ({ key: id, text })), nextCursor };
      }),
  };
}
