import type { Clock } from "../support/clock.ts";
import type { WebhookEntry, WebhookStore } from "../store/port/webhooks.ts";
import { decodeWebhook, type Webhook } from "./record.ts";

/** The webhooks from memory: every attempt asks, and must not cost a round trip each time. */
export interface WebhookDirectory {
  /** As it was at most {@link MAX_AGE_MS} ago; null: no such webhook. */
  get(id: string): Promise<Webhook | null>;
  /** All of them, as old at most. Records that cannot be read are left out: they must not stop the others. */
  all(): Promise<readonly Webhook[]>;
  /** To be called after a change, which the next `get` then shows. */
  forget(): void;
}

/** How long another instance's change of a webhook may go unnoticed here. */
export const MAX_AGE_MS = 2_000;

interface Listing {
  readonly atMs: number;
  readonly entries: Promise<ReadonlyMap<string, WebhookEntry>>;
  /** Once somebody has asked for all: the engine does so at every claim. */
  all: Promise<readonly Webhook[]> | null;
}

/** A directory over the registry. Its methods throw `StoreUnavailable` when the registry does. */
export function createWebhookDirectory(
  { registry, clock }: {
    readonly registry: Pick<WebhookStore, "listWebhooks">;
    readonly clock: Clock;
  },
): WebhookDirectory {
  let listing: Listing | null = null;

  async function readEntries(): Promise<ReadonlyMap<string, WebhookEntry>> {
    const { webhooks } = await registry.listWebhooks();
    return new Map(webhooks.map((entry) => [entry.id, entry]));
  }

  /** A webhook that is missing here may have been registered elsewhere just now: only the store can say that it is gone. */
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
    async get(id) {
      const remembered = listing;
      const reading = current();
      const entry = (await reading.entries).get(id) ??
        (reading === remembered ? await readAgain(id) : undefined);
      return entry === undefined ? null : decodeWebhook(entry);
    },
    all() {
      const reading = current();
      reading.all ??= decodeAll(reading);
      return reading.all;
    },
    forget() {
      listing = null;
    },
  };
}

// The publisher, which meets it too, logs it.
function decodeOrSkip(entry: WebhookEntry): Webhook[] {
  try {
    return [decodeWebhook(entry)];
  } catch {
    return [];
  }
}
