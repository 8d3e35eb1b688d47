/** A registered webhook as the store sees it: its id, and a text that only the webhook service reads. */
export interface WebhookEntry {
  readonly id: string;
  readonly json: string;
}

/** Nothing was done, because the list of webhooks has changed since it was read. Read it again and repeat. */
export interface StaleWebhooks {
  readonly outcome: "stale-webhooks";
}

/** The registered webhooks. They are few, so they are read as a whole. */
export interface WebhookStore {
  listWebhooks(): Promise<{ readonly version: number; readonly webhooks: readonly WebhookEntry[] }>;
  /**
   * Adds or replaces a webhook. Whoever publishes with an older version of the list is told so. With `ifVersion` this is done
   * only while the list still has that version; false where it has another, and nothing was done.
   */
  putWebhook(entry: WebhookEntry, ifVersion?: number): Promise<boolean>;
  /** False where there was no such webhook. */
  deleteWebhook(id: string): Promise<boolean>;
}
