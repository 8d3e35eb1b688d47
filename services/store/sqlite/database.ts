import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { PatchbayError, StoreUnavailable } from "../../errors.ts";
import { migrate, refuseNewer } from "./migrating.ts";
import { explainOpening } from "./opening_fault.ts";

/**
 * How long to wait for another process's transaction: longer than any takes, shorter than the 2 s within which
 * the contract wants `store-unavailable` answered (DESIGN §7).
 */
const PATIENCE_MS = 1_500;
/** How much of that in one piece. SQLite waits in the thread, and nobody else is served meanwhile. */
const BUSY_TIMEOUT_MS = 10;
const RETRY_MS = 20;

export interface DatabaseOptions {
  /** A file, made with its folder if missing, or `:memory:`. */
  readonly path: string;
  /**
   * What a commit survives: `normal` the death of the process, `full` a power cut as well
   * (https://www.sqlite.org/pragma.html#pragma_synchronous, in WAL mode).
   */
  readonly sync: "normal" | "full";
}

/** A SQLite database with its statements prepared once and every failure turned into `StoreUnavailable`. */
export interface Database {
  /** The first row, or undefined. `Row` is the caller's knowledge of its own SQL. */
  one<Row>(sql: string, ...values: SQLInputValue[]): Row | undefined;
  all<Row>(sql: string, ...values: SQLInputValue[]): Row[];
  /** Runs a statement; returns how many rows it changed. */
  run(sql: string, ...values: SQLInputValue[]): number;
  /** Runs `step` in one write transaction; `operation` completes the sentence "Cannot …". */
  write<T>(operation: string, step: () => T): Promise<T>;
  /** The same without a transaction, for reads. */
  read<T>(operation: string, step: () => T): Promise<T>;
  /** Writes the log back into the database and empties it, as far as no other process is reading. */
  truncateLog(): void;
  close(): void;
}

/** Opens the database, bringing its schema up to date. Throws `StoreUnavailable` when it cannot. */
export function openDatabase({ path, sync }: DatabaseOptions): Database {
  const db = opening(path, () => {
    // Before anything of it is written: switching to WAL alone would change the file.
    refuseNewer(path, PATIENCE_MS);
    if (path !== ":memory:") createPrivately(path);
    const opened = new DatabaseSync(path, { timeout: PATIENCE_MS });
    try {
      setUp(opened, sync);
    } catch (fault) {
      opened.close();
      throw fault;
    }
    return opened;
  });
  const statements = new Map<string, StatementSync>();
  const prepared = (sql: string): StatementSync => {
    let statement = statements.get(sql);
    if (statement === undefined) {
      statement = db.prepare(sql);
      statements.set(sql, statement);
    }
    return statement;
  };
  return {
    one: <Row>(sql: string, ...values: SQLInputValue[]) =>
      prepared(sql).get(...values) as Row | undefined,
    all: <Row>(sql: string, ...values: SQLInputValue[]) => prepared(sql).all(...values) as Row[],
    run: (sql, ...values) => Number(prepared(sql).run(...values).changes),
    write: (operation, step) => whenFree(operation, () => inTransaction(db, step)),
    read: whenFree,
    truncateLog: () => db.exec("PRAGMA wal_checkpoint(TRUNCATE)"),
    close: () => {
      if (db.isOpen) db.close();
    },
  };
}

/** Only the owner may read the database, because it holds texts and phone numbers. SQLite gives its log the same mode. */
function createPrivately(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  closeSync(openSync(path, "a", 0o600));
}

/** Runs a step, again and again while another process has the database, without holding up anybody else. */
async function whenFree<T>(operation: string, step: () => T): Promise<T> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (true) {
    try {
      return step();
    } catch (cause) {
      if (!isBusy(cause) || performance.now() >= giveUpAt) throw explained(operation, cause);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

/**
 * SQLITE_BUSY, whatever its extended code (https://www.sqlite.org/rescode.html#busy): nothing was done. Deno 2.9.6 gives
 * errors of `exec` no code, so SQLite's own words for it count too.
 */
function isBusy(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ("errcode" in error) return Number(error.errcode) % 256 === 5;
  return error.message === "database is locked";
}

function explained(operation: string, cause: unknown): Error {
  return cause instanceof PatchbayError ? cause : new StoreUnavailable(operation, { cause });
}

function setUp(db: DatabaseSync, sync: DatabaseOptions["sync"]): void {
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${sync.toUpperCase()};`);
  // What is deleted or overwritten is overwritten with zeros: texts and numbers must not outlive their expunging.
  db.exec("PRAGMA secure_delete = ON");
  migrate(db, inTransaction);
  db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
}

/**
 * Opens again and again while another process has the database: switching to WAL, of all things, does not keep to the
 * busy time-out, and two that begin together on a new file both want it. Nobody is served yet, so waiting in the thread is fine.
 */
function opening<T>(path: string, step: () => T): T {
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (true) {
    try {
      return step();
    } catch (fault) {
      if (!isBusy(fault) || performance.now() >= giveUpAt) {
        throw explained(`open the database ${path}`, explainOpening(fault));
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}

function inTransaction<T>(db: DatabaseSync, step: () => T): T {
  // IMMEDIATE takes the write lock at once: a transaction that first reads and then writes
  // could otherwise fail with SQLITE_BUSY half-way, which no time-out helps.
  db.exec("BEGIN IMMEDIATE");
  try {
    const result = step();
    db.exec("COMMIT");
    return result;
  } catch (error) {
    // A full disk may have rolled back by itself.
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}
