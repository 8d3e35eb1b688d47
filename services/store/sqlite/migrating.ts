import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import first from "./schema/0001_first.sql" with { type: "text" };
import recordsAndSms from "./schema/0002_records_and_sms.sql" with { type: "text" };
import seatsAndClaims from "./schema/0003_seats_and_claims.sql" with { type: "text" };
import outcomes from "./schema/0004_outcomes.sql" with { type: "text" };
import endings from "./schema/0005_endings.sql" with { type: "text" };
import texts from "./schema/0006_texts.sql" with { type: "text" };
import revocations from "./schema/0007_revocations.sql" with { type: "text" };

/** Schema n is reached by running the first n of these, each once. One that was released is never changed again. */
const MIGRATIONS: readonly string[] = [
  first,
  recordsAndSms,
  seatsAndClaims,
  outcomes,
  endings,
  texts,
  revocations,
];

/** The schema that this program reads and writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/**
 * Throws, without having written to it, when the file is a database of a newer program. A connection for reading only
 * cannot even write the log back when it closes.
 */
export function refuseNewer(path: string, timeoutMs: number): void {
  if (path === ":memory:" || (statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0) return;
  const reading = new DatabaseSync(path, { readOnly: true, timeout: timeoutMs });
  try {
    knownVersion(reading);
  } finally {
    reading.close();
  }
}

/**
 * Brings the schema up to date: each migration in one transaction together with its number, so that a process that dies on
 * the way leaves a schema that the next one goes on from. Several processes may do so at once.
 */
export function migrate(
  db: DatabaseSync,
  inTransaction: (db: DatabaseSync, step: () => void) => void,
): void {
  while (knownVersion(db) < SCHEMA_VERSION) {
    inTransaction(db, () => {
      // Another process may have been first while this one waited for its turn.
      const version = knownVersion(db);
      const migration = MIGRATIONS[version];
      if (migration === undefined) return;
      db.exec(migration);
      db.exec(`PRAGMA user_version = ${version + 1}`);
    });
  }
}

function knownVersion(db: DatabaseSync): number {
  const version = Number(db.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
  if (version > SCHEMA_VERSION) {
    throw new Error(
      `Cannot use a database of schema ${version}, which a newer Patchbay wrote: expected at most ${SCHEMA_VERSION}`,
    );
  }
  return version;
}
