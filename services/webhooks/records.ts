import type { Clock } from "../support/clock.ts";
import { NotFound, StoreUnavailable } from "../errors.ts";
import { createKeyedQueue } from "../support/keyed_queue.ts";
import type { WebhookStore } from "../store/port/webhooks.ts";
import { createWebhookDirectory, type WebhookDirectory } from "./directory.ts";
import { decodeWebhook, encodeWebhook, type Webhook } from "./record.ts";

/** The records of the registered webhooks: from memory (`get`, `all`), and as they are in the store right now. */
export interface WebhookRecords extends Omit<WebhookDirectory, "forget"> {
  /** By id, which is the order of registering. */
  list(): Promise<Webhook[]>;
  /** Throws `NotFound` where there is none. */
  read(id: string): Promise<Webhook>;
  add(webhook: Webhook): Promise<Webhook>;
  /**
   * Replaces a record by what `alter` makes of it; nothing is written if it gives the very same back. `alter` is called
   * again when somebody else changed the list meanwhile. Returns the record as it then is; null: no such webhook.
   */
  change(
    id: string,
    alter: (present: Webhook) => Webhook | Promise<Webhook>,
  ): Promise<Webhook | null>;
  /** Throws `NotFound` where there is none. */
  delete(id: string): Promise<void>;
}

const MAX_TRIES = 10;

/** Records over the registry. All methods throw `StoreUnavailable` when the registry does. */
export function createWebhookRecords(
  { registry, clock }: { readonly registry: WebhookStore; readonly clock: Clock },
): WebhookRecords {
  const directory = createWebhookDirectory({ registry, clock });
  // The registry replaces whole records. Without a queue, changes of one process would only get in each other's way.
  const exclusively = createKeyedQueue();

  async function find(id: string) {
    const { version, webhooks } = await registry.listWebhooks();
    const entry = webhooks.find((candidate) => candidate.id === id);
    return { version, webhook: entry === undefined ? null : decodeWebhook(entry) };
  }

  async function change(
    id: string,
    alter: (present: Webhook) => Webhook | Promise<Webhook>,
  ): Promise<Webhook | null> {
    // Another instance may change the list in between; each try needs a change of its own to fail.
    for (let tries = 1;; tries++) {
      const { version, webhook } = await find(id);
      if (webhook === null) return null;
      const altered = await alter(webhook);
      if (altered === webhook) return webhook;
      const stored = await registry.putWebhook(encodeWebhook(altered), version);
      directory.forget();
      if (stored) return altered;
      if (tries === MAX_TRIES) {
        throw new StoreUnavailable("change a webhook while the list of webhooks keeps changing");
      }
    }
  }

  return {
    get: directory.get,
    all: directory.all,
    async list() {
      const { webhooks } = await registry.listWebhooks();
      return webhooks.map(decodeWebhook).sort((one, other) => one.id < other.id ? -1 : 1);
    },
    read: async (id) => found((await find(id)).webhook),
    async add(webhook) {
      await registry.putWebhook(encodeWebhook(webhook));
      directory.forget();
      return webhook;
    },
    change: (id, alter) => exclusively(id, () => change(id, alter)),
    async delete(id) {
      const existed = await exclusively(id, () => registry.deleteWebhook(id));
      directory.forget();
      if (!existed) throw noSuchWebhook();
    },
  };
}

/** The webhook, where there is one; throws `NotFound` otherwise. */
export function found(webhook: Webhook | null): Webhook {
  if (webhook === null) throw noSuchWebhook();
  return webhook;
}

/** For what is asked of a webhook that is not registered. */
export function noSuchWebhook(): NotFound {
  return new NotFound("Cannot find this webhook: expected one that is registered");
}
