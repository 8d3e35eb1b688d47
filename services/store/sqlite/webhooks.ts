import type { WebhookStore } from "../port/webhooks.ts";
import type { Database } from "./database.ts";
import type { PublishingSteps } from "./publishing.ts";

/** The registered webhooks in SQLite. */
export function createSqliteWebhooks(
  db: Database,
  publishing: Pick<PublishingSteps, "isCurrent">,
): WebhookStore {
  const bumpVersion = () =>
    db.run("UPDATE counters SET value = value + 1 WHERE name = 'webhooks_version'");
  return {
    listWebhooks: () =>
      // One transaction: the version must belong to the list.
      db.write("list the webhooks", () => {
        const counter = db.one<{ value: number }>(
          "SELECT value FROM counters WHERE name = 'webhooks_version'",
        );
        const rows = db.all<{ id: string; webhook_json: string }>(
          "SELECT id, webhook_json FROM webhooks ORDER BY id",
        );
        return {
          version: counter?.value ?? 0,
          webhooks: rows.map(({ id, webhook_json }) => ({ id, json: webhook_json })),
        };
      }),
    putWebhook: ({ id, json }, ifVersion) =>
      db.write("store the webhook", () => {
        if (ifVersion !== undefined && !publishing.isCurrent(ifVersion)) return false;
        db.run("INSERT OR REPLACE INTO webhooks (id, webhook_json) VALUES (?, ?)", id, json);
        bumpVersion();
        return true;
      }),
    deleteWebhook: (id) =>
      db.write("delete the webhook", () => {
        const existed = db.run("DELETE FROM webhooks WHERE id = ?", id) > 0;
        if (existed) bumpVersion();
        return existed;
      }),
  };
}
