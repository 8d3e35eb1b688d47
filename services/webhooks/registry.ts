import { NotFound, StoreUnavailable } from "../errors.ts";
import type { WebhookEntry, WebhookStore } from "../store/port/webhooks.ts";
import type { Clock } from "../support/clock.ts";
import { createKeyedQueue } from "../support/keyed_queue.ts";
import { decodeWebhook, encodeWebhook, type Webhook } from "./webhook.ts";

/**
 * Where the webhooks are kept and found: from memory (`get`, `all`), as every attempt asks and must not cost a round trip
 * each time, and as they are in the store right now (`list`, `read`). All methods throw `StoreUnavailable` when the
 * store is.
 */
export interface WebhookRegistry {
  /** As it was at most {@link MAX_AGE_MS} ago, own changes included; null where there is no such webhook. */
  get(id: string): Promise<Webhook | null>;
  /** All of them, at most as old. Records that cannot be read are left out: they must not stop the others. */
  all(): Promise<readonly Webhook[]>;
  /** By id, which is the order of registering. */
  list(): Promise<Webhook[]>;
  /** Throws `NotFound` where there is none. */
  read(id: string): Promise<Webhook>;
  add(webhook: Webhook): Promise<Webhook>;
  /**
   * Replaces a record by what `alter` makes of it; nothing is written if it gives the very same back. `alter` is called
   * again when somebody else changed the list meanwhile. Resolves to the record as it then is, or to null where
   * there is no such webhook.
   */
  change(
    id: string,
    alter: (present: Webhook) => Webhook | Promise<Webhook>,
  ): Promise<Webhook | null>;
  /** Throws `NotFound` where there is none. */
  delete(id: string): Promise<void>;
}

/** How long another instance's change of a webhook may go unnoticed here. */
export const MAX_AGE_MS = 2_000;

const MAX_TRIES = 10;

export function createWebhookRegistry(
  { store, clock }: { readonly store: WebhookStore; readonly clock: Clock },
): WebhookRegistry {
  const memory = createMemory({ store, clock });
  // The store replaces whole records. Without a queue, changes of one process would only get in each other's way.
  const exclusively = createKeyedQueue();

  async function find(id: string) {
    const { version, webhooks } = await store.listWebhooks();
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
      const stored = await store.putWebhook(encodeWebhook(altered), version);
      memory.forget();
      if (stored) return altered;
      if (tries === MAX_TRIES) {
        throw new StoreUnavailable("change a webhook while the list of webhooks keeps changing");
      }
    }
  }

  return {
    get: memory.get,
    all: memory.all,
    async list() {
      const { webhooks } = await store.listWebhooks();
      return webhooks.map(decodeWebhook).sort((one, other) => one.id < other.id ? -1 : 1);
    },
    read: async (id) => found((await find(id)).webhook),
    async add(webhook) {
      await store.putWebhook(encodeWebhook(webhook));
      memory.forget();
      return webhook;
    },
    change: (id, alter) => exclusively(id, () => change(id, alter)),
    async delete(id) {
      const existed = await exclusively(id, () => store.deleteWebhook(id));
      memory.forget();
      if (!existed) throw noSuchWebhook();
    },
  };
}

/** The webhook, where there is one; throws `NotFound` otherwise. */
export function found(webhook: Webhook | null): Webhook {
  if (webhook === null) throw noSuchWebhook();
  return webhook;
}

/** The answer to whatever is asked of a webhook that is not registered. */
export function noSuchWebhook(): NotFound {
  return new NotFound("Cannot find this webhook: expected one that is registered");
}

interface Listing {
  readonly atMs: number;
  readonly entries: Promise<ReadonlyMap<string, WebhookEntry>>;
  /** Null until somebody has asked for all. The engine does so at every claim. */
  all: Promise<readonly Webhook[]> | null;
}

/** The last listing, for {@link MAX_AGE_MS}. */
function createMemory(
  { store, clock }: { readonly store: Pick<WebhookStore, "listWebhooks">; readonly clock: Clock },
) {
  let listing: Listing | null = null;

  async function readEntries(): Promise<ReadonlyMap<string, WebhookEntry>> {
    const { webhooks } = await store.listWebhooks();
    return new Map(webhooks.map((entry) => [entry.id, entry]));
  }

  /** A webhook that is missing here may just have been registered elsewhere: only the store can say that it is gone. */
  async function readAgain(id: string): Promise<WebhookEntry | undefined> {
    listing = null;
    return (await current().entries).get(id);
  }

  // Kept as a promise, so that attempts that start together share one reading.
  function current(): Listing {
    const nowMs = clock.now();
    if (listing !== null && nowMs - listing.atMs < MAX_AGE_MS) return listing;
    const reading: Listing = { atMs: nowMs, entries: readEntries(), all: null };
    listing = reading;
    reading.entries.catch(() => {
      if (listing === reading) listing = null;
    });
    return reading;
  }

  async function decodeAll({ entries }: Listing): Promise<readonly Webhook[]> {
    return [...(await entries).values()].flatMap(decodeOrSkip);
  }

  return {
    async get(id: string): Promise<Webhook | null> {
      const remembered = listing;
      const reading = current();
      const entry = (await reading.entries).get(id) ??
        (reading === remembered ? await readAgain(id) : undefined);
      return entry === undefined ? null : decodeWebhook(entry);
    },
    all(): Promise<readonly Webhook[]> {
      const reading = current();
      reading.all ??= decodeAll(reading);
      return reading.all;
    },
    /** To be called after a change, which the next `get` then shows. */
    forget(): void {
      listing = null;
    },
  };
}

// The audience, which meets such a record too, logs it.
function decodeOrSkip(entry: WebhookEntry): Webhook[] {
  try {
    return [decodeWebhook(entry)];
  } catch {
    return [];
  }
}
