/**
 * The store port: what Patchbay asks of a store, in the terms of DESIGN §1, one file for each family of methods.
 *
 * Two engines implement it (`sqlite/`, `redis/`), and both pass the suite in `tests/services/store/contract/`.
 * Rules that hold for every method:
 * - one call is one atomic step: it happens wholly or not at all, also when the process dies in the middle;
 * - the caller brings the time (`nowMs`, Unix milliseconds) and every random value, so a test can move both;
 * - expected outcomes are values; a store that cannot answer throws `StoreUnavailable`;
 * - JSON texts handed in (`data`, webhook records) come back as the same text, never re-encoded.
 */
import type { BucketStore } from "./buckets.ts";
import type { CharterStore } from "./charter.ts";
import type { DeliveryStore } from "./deliveries.ts";
import type { EventStore } from "./events.ts";
import type { RecordStore } from "./records.ts";
import type { RevocationStore } from "./revocations.ts";
import type { SessionStore } from "./sessions.ts";
import type { WebhookStore } from "./webhooks.ts";

/** How long an engine keeps things; fixed when it is opened. */
export interface StorePolicy {
  /** How long a mapping lives after it was last used. */
  readonly sessionTtlMs: number;
  /** How long events and deliveries are kept. A session's messages and sequence are remembered at least as long. */
  readonly eventRetentionMs: number;
}

export interface Store
  extends
    SessionStore,
    EventStore,
    DeliveryStore,
    WebhookStore,
    RecordStore,
    BucketStore,
    CharterStore,
    RevocationStore {
  /** Resolves when the store answers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
