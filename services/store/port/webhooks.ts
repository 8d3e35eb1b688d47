/** A registered webhook as the store sees it: an id and a text that only the webhook service reads. */
export interface WebhookEntry {
  readonly id: string;
  readonly json: string;
}

/** Nothing was done: the list of webhooks has changed since. List again and repeat. */
export interface StaleWebhooks {
  readonly outcome: "stale-webhooks";
}

/** The registered webhooks. Few, and read whole. */
export interface WebhookStore {
  listWebhooks(): Promise<{ readonly version: number; readonly webhooks: readonly WebhookEntry[] }>;
  /**
   * Adds or replaces; every publish begun with an older version is told so. With `ifVersion` only while the list still has
   * that version; false: it has not, and nothing was done.
   */
  putWebhook(entry: WebhookEntry, ifVersion?: number): Promise<boolean>;
  /** False: there was none. */
  deleteWebhook(id: string): Promise<boolean>;
}
