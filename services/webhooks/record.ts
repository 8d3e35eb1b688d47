import * as v from "valibot";
import { DELIVERY_STATUSES } from "../store/port/deliveries.ts";
import type { WebhookEntry } from "../store/port/webhooks.ts";

/** How a webhook's requests are signed: HMAC-SHA256 (`v1`), Ed25519 (`v1a`) or both. */
export const SIGNING_SCHEMES = ["v1", "v1a"] as const;
export type SigningScheme = (typeof SIGNING_SCHEMES)[number];

/** `session`: deliveries of one session arrive in `sequence` order. `none`: none waits for another. */
export const ORDERINGS = ["session", "none"] as const;

export const PAYLOAD_KINDS = ["full", "thin"] as const;

/** `stopped`: the webhook was disabled before the job was through. */
export const RECOVERY_STATES = ["running", "done", "stopped"] as const;

/** How many lanes of a webhook are served at once unless it says otherwise. */
export const DEFAULT_CONCURRENCY = 10;

const recoverySchema = v.object({
  /** Which deliveries are brought back: those with one of these statuses, by the time of their events. */
  statuses: v.array(v.picklist(DELIVERY_STATUSES)),
  sinceMs: v.number(),
  /** Exclusive. */
  untilMs: v.number(),
  /** How many there were when the job began. */
  total: v.number(),
  requeued: v.number(),
  state: v.picklist(RECOVERY_STATES),
  /** Where to carry on; null: at the beginning. */
  cursor: v.nullable(v.string()),
  /** The token of the run that writes this, so that a run that was given up for dead cannot. */
  runner: v.string(),
  startedAtMs: v.number(),
  updatedAtMs: v.number(),
});

/** A job that makes a webhook's deliveries due again, as far as it has come. */
export type Recovery = Readonly<v.InferOutput<typeof recoverySchema>>;

const recordSchema = v.object({
  url: v.string(),
  eventTypes: v.array(v.string()),
  agentIds: v.nullable(v.array(v.string())),
  ordering: v.picklist(ORDERINGS),
  payload: v.picklist(PAYLOAD_KINDS),
  signing: v.array(v.picklist(SIGNING_SCHEMES)),
  publicKeys: v.array(v.object({ key: v.string(), untilMs: v.nullable(v.number()) })),
  headerNames: v.array(v.string()),
  rateLimit: v.nullable(v.union([v.number(), v.string()])),
  concurrency: v.optional(v.number(), DEFAULT_CONCURRENCY),
  description: v.nullable(v.string()),
  disabled: v.nullable(v.object({ reason: v.string(), atMs: v.number() })),
  /** When somebody last enabled it; null: nobody ever had to. */
  enabledAtMs: v.optional(v.nullable(v.number()), null),
  recovery: v.optional(v.nullable(recoverySchema), null),
  previousSecretUntilMs: v.nullable(v.number()),
  createdAtMs: v.number(),
  updatedAtMs: v.number(),
  sealedCredentials: v.string(),
});

/** A registered webhook. Nothing in it is secret in the clear. */
export interface Webhook extends Readonly<v.InferOutput<typeof recordSchema>> {
  /** `wh_` and a ULID. */
  readonly id: string;
}

/** A webhook as the registry keeps it. */
export function encodeWebhook({ id, ...record }: Webhook): WebhookEntry {
  return { id, json: JSON.stringify(record) };
}

/**
 * Reads back what {@link encodeWebhook} wrote.
 *
 * @throws {TypeError} if it is nothing of the kind; the message names the webhook.
 */
export function decodeWebhook({ id, json }: WebhookEntry): Webhook {
  const result = v.safeParse(recordSchema, JSON.parse(json));
  if (!result.success) {
    const where = v.getDotPath(result.issues[0]) ?? "the record";
    throw new TypeError(`Cannot read webhook ${id} from the store: ${where} is not as written`);
  }
  return { id, ...result.output };
}
