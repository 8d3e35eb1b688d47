import type { Clock } from "../clock.ts";
import { NotFound } from "../errors.ts";
import { createKeyedQueue } from "../keyed_queue.ts";
import type { WebhookRegistry } from "../store/port.ts";
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
   * Replaces a record by what `alter` makes of it; nothing is written if it gives the very same back. Returns the
   * record as it then is; null: no such webhook.
   */
  change(
    id: string,
    alter: (present: Webhook) => Webhook | Promise<Webhook>,
  ): Promise<Webhook | null>;
  /** Throws `NotFound` where there is none. */
  delete(id: string): Promise<void>;
}

/** Records over the registry. All methods throw `StoreUnavailable` when the registry does. */
export function createWebhookRecords(
  { registry, clock }: { readonly registry: WebhookRegistry; readonly clock: Clock },
): WebhookRecords {
  const directory = createWebhookDirectory({ registry, clock });
  // The registry replaces whole records. Without a queue, disabling could bring back the secret that a rotation
  // under way had just replaced.
  const exclusively = createKeyedQueue();

  async function find(id: string): Promise<Webhook | null> {
    const { webhooks } = await registry.listWebhooks();
    const entry = webhooks.find((candidate) => candidate.id === id);
    return entry === undefined ? null : decodeWebhook(entry);
  }

  async function save(webhook: Webhook): Promise<Webhook> {
    await registry.putWebhook(encodeWebhook(webhook));
    directory.forget();
    return webhook;
  }

  return {
    get: directory.get,
    all: directory.all,
    async list() {
      const { webhooks } = await registry.listWebhooks();
      return webhooks.map(decodeWebhook).sort((one, other) => one.id < other.id ? -1 : 1);
    },
    read: async (id) => found(await find(id)),
    add: save,
    change: (id, alter) =>
      exclusively(id, async () => {
        const present = await find(id);
        if (present === null) return null;
        const altered = await alter(present);
        return altered === present ? present : await save(altered);
      }),
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
