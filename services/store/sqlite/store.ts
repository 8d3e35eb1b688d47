import type { Store, StorePolicy } from "../port/store.ts";
import { createAttemptLog } from "./attempt_log.ts";
import { createBuckets, createSqliteBuckets } from "./buckets.ts";
import { createSqliteCustomers } from "./customers.ts";
import { createSqliteCharter } from "./charter.ts";
import { type DatabaseOptions, openDatabase } from "./database.ts";
import { createSqliteDeliveries } from "./deliveries.ts";
import { createSqliteEvents } from "./events.ts";
import { createLanes } from "./lanes.ts";
import { createPublishingSteps } from "./publishing.ts";
import { createRecordSteps, createSqliteRecords } from "./records.ts";
import { createSqliteRevocations } from "./revocations.ts";
import { createSessionSteps } from "./session_steps.ts";
import { createSqliteSessions } from "./sessions.ts";
import { createSweeper } from "./sweeping.ts";
import { createSqliteWebhooks } from "./webhooks.ts";

export interface SqliteStore extends Store {
  /** Whether an earlier process has begun it, and so has sealed what it keeps with a key. */
  isBegun(): Promise<boolean>;
}

export interface SqliteStoreOptions extends DatabaseOptions {
  readonly policy: StorePolicy;
}

/** Opens the embedded store. Throws `StoreUnavailable` when the file cannot be opened or is newer than this program. */
export function openSqliteStore({ policy, ...options }: SqliteStoreOptions): SqliteStore {
  const db = openDatabase(options);
  const records = createRecordSteps(db);
  const sessions = createSessionSteps(db, policy);
  const publishing = createPublishingSteps(db, policy, { records, sessions });
  const lanes = createLanes(db);
  const log = createAttemptLog(db);
  const buckets = createBuckets(db);
  const sweep = createSweeper(db, policy, lanes);
  return {
    ...createSqliteSessions(db, sessions, publishing),
    ...createSqliteCustomers(db),
    ...createSqliteEvents(db, publishing),
    ...createSqliteDeliveries(db, { publishing, lanes, log, buckets, sweep }),
    ...createSqliteWebhooks(db, publishing),
    ...createSqliteRecords(db, records),
    ...createSqliteBuckets(db, buckets),
    ...createSqliteCharter(db, records),
    ...createSqliteRevocations(db),
    ping: () =>
      db.read("reach the store", () => {
        db.one("SELECT 1");
      }),
    close: () => {
      db.close();
      return Promise.resolve();
    },
  };
}
