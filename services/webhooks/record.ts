import * as v from "valibot";
import type { WebhookEntry } from "../store/port.ts";

/** How a webhook's requests are signed: HMAC-SHA256 (`v1`), Ed25519 (`v1a`) or both. */
export const SIGNING_SCHEMES = ["v1", "v1a"] as const;
export type SigningScheme = (typeof SIGNING_SCHEMES)[number];

/** `session`: deliveries of one session arrive in `sequence` order. `none`: none waits for another. */
export const ORDERINGS = ["session", "none"] as const;

export const PAYLOAD_KINDS = ["full", "thin"] as const;

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
  description: v.nullable(v.string()),
  disabled: v.nullable(v.object({ reason: v.string(), atMs: v.number() })),
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
