import type { Store, StorePolicy } from "../port.ts";
import { type DatabaseOptions, openDatabase } from "./database.ts";
import { createSqliteOutbox } from "./outbox.ts";
import { createSqliteHistory } from "./history.ts";
import { createLanes } from "./lanes.ts";
import { createPublishingSteps } from "./publishing.ts";
import { createSqliteSessions } from "./sessions.ts";
import { createSweeper } from "./sweeping.ts";
import { createSqliteWebhooks } from "./webhooks.ts";

export interface SqliteStoreOptions extends DatabaseOptions {
  readonly policy: StorePolicy;
}

/** Opens the embedded store. Throws `StoreUnavailable` when the file cannot be opened or is newer than this program. */
export function openSqliteStore({ policy, ...options }: SqliteStoreOptions): Store {
  const db = openDatabase(options);
  const publishing = createPublishingSteps(db, policy);
  const lanes = createLanes(db);
  return {
    ...createSqliteSessions(db, policy, publishing),
    ...createSqliteOutbox(db, publishing, lanes, createSweeper(db, policy, lanes)),
    ...createSqliteHistory(db),
    ...createSqliteWebhooks(db, publishing),
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
