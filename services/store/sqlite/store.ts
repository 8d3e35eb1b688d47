import type { Store, StorePolicy } from "../port/store.ts";
import { createAttemptLog } from "./attempt_log.ts";
import { createBuckets } from "./buckets.ts";
import { type DatabaseOptions, openDatabase } from "./database.ts";
import { createSqliteOutbox } from "./outbox.ts";
import { createSqliteHistory } from "./history.ts";
import { createLanes } from "./lanes.ts";
import { createPublishingSteps } from "./publishing.ts";
import { createRecordSteps, createSqliteRecords } from "./records.ts";
import { createRequeueing } from "./requeueing.ts";
import { createSqliteSessions } from "./sessions.ts";
import { createSqliteSms } from "./sms.ts";
import { createSweeper } from "./sweeping.ts";
import { createSqliteWebhooks } from "./webhooks.ts";

export interface SqliteStoreOptions extends DatabaseOptions {
  readonly policy: StorePolicy;
}

/** Opens the embedded store. Throws `StoreUnavailable` when the file cannot be opened or is newer than this program. */
export function openSqliteStore({ policy, ...options }: SqliteStoreOptions): Store {
  const db = openDatabase(options);
  const records = createRecordSteps(db);
  const publishing = createPublishingSteps(db, policy, records);
  const lanes = createLanes(db);
  const requeueing = createRequeueing(db, lanes);
  const log = createAttemptLog(db);
  const buckets = createBuckets(db);
  const sweep = createSweeper(db, policy, lanes);
  return {
    ...createSqliteSessions(db, policy, publishing),
    ...createSqliteOutbox(db, { publishing, lanes, requeueing, log, buckets, sweep }),
    ...createSqliteHistory(db),
    ...createSqliteWebhooks(db, publishing),
    ...createSqliteRecords(db, records),
    ...createSqliteSms(db, { publishing, requeueing, log, buckets }),
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
