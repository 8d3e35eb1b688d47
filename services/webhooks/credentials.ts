import * as v from "valibot";
import { generateKeyPair, generateSecret, type RandomBytes } from "./secrets.ts";
import { createLruMap } from "../support/lru_map.ts";
import type { Sealer } from "../sealing/secrets.ts";
import { SIGNING_SCHEMES, type SigningScheme, type Webhook } from "./webhook.ts";

const keySchema = v.object({
  scheme: v.picklist(SIGNING_SCHEMES),
  /** `whsec_…` or `whsk_…`. */
  secret: v.string(),
  /** `whpk_…` for `v1a`; null for `v1`. */
  publicKey: v.nullable(v.string()),
  /** When a rotated key ceases to sign, in Unix milliseconds; null for the present key. */
  untilMs: v.nullable(v.number()),
});

const credentialsSchema = v.object({
  /** The present keys first, then the rotated ones from newest to oldest. */
  keys: v.array(keySchema),
  /** The webhook's own headers with their values, which may be passwords to the consumer's gateway. */
  headers: v.record(v.string(), v.string()),
});

/** One key that requests of a webhook are signed with. */
export type WebhookKey = Readonly<v.InferOutput<typeof keySchema>>;

/** What is secret of a webhook. It is sealed at rest. */
export type WebhookCredentials = Readonly<v.InferOutput<typeof credentialsSchema>>;

/** How long a rotated secret still signs beside the new one (DESIGN §9). */
export const SECRET_OVERLAP_MS = 24 * 60 * 60 * 1_000;

// Each further key is one more signature in every request.
const MAX_ROTATED_KEYS_PER_SCHEME = 2;
const MAX_OPENED = 1_000;

/** The keys for those schemes: present ones are kept, missing ones made, those of other schemes dropped. */
export async function keysFor(
  schemes: readonly SigningScheme[],
  present: readonly WebhookKey[],
  randomBytes: RandomBytes,
): Promise<WebhookKey[]> {
  const kept = present.filter(({ scheme }) => schemes.includes(scheme));
  const missing = schemes.filter((scheme) => !kept.some((key) => key.scheme === scheme));
  const made = await Promise.all(missing.map((scheme) => makeKey(scheme, randomBytes)));
  return [...made, ...kept];
}

/** New keys for those schemes; the present ones go on signing for {@link SECRET_OVERLAP_MS}. */
export async function rotateKeys(
  schemes: readonly SigningScheme[],
  present: readonly WebhookKey[],
  nowMs: number,
  randomBytes: RandomBytes,
): Promise<WebhookKey[]> {
  const made = await keysFor(schemes, [], randomBytes);
  const rotated = schemes.flatMap((scheme) =>
    present
      .filter((key) => key.scheme === scheme && isLive(key, nowMs))
      .map((key) => ({ ...key, untilMs: key.untilMs ?? nowMs + SECRET_OVERLAP_MS }))
      .slice(0, MAX_ROTATED_KEYS_PER_SCHEME)
  );
  return [...made, ...rotated];
}

/** The secrets to sign with now, present ones first. */
export function liveSecrets({ keys }: WebhookCredentials, nowMs: number): string[] {
  return keys.filter((key) => isLive(key, nowMs)).map(({ secret }) => secret);
}

/** The text to keep of a webhook's credentials. */
export async function sealCredentials(
  credentials: WebhookCredentials,
  sealer: Sealer,
): Promise<string> {
  return await sealer.seal(JSON.stringify(credentials));
}

/** Opens credentials, and remembers those opened last: an attempt should not pay for unsealing. */
export function createCredentialsReader(
  sealer: Sealer,
): (webhook: Pick<Webhook, "sealedCredentials">) => Promise<WebhookCredentials> {
  const opened = createLruMap<string, WebhookCredentials>(MAX_OPENED);

  return async ({ sealedCredentials }) => {
    // The sealed text changes with the credentials, so an entry can never be out of date.
    const remembered = opened.get(sealedCredentials);
    if (remembered !== undefined) return remembered;
    const text = await sealer.open(sealedCredentials);
    const credentials = v.parse(credentialsSchema, JSON.parse(text));
    opened.set(sealedCredentials, credentials);
    return credentials;
  };
}

function isLive({ untilMs }: WebhookKey, nowMs: number): boolean {
  return untilMs === null || untilMs > nowMs;
}

async function makeKey(scheme: SigningScheme, randomBytes: RandomBytes): Promise<WebhookKey> {
  if (scheme === "v1") {
    return { scheme, secret: generateSecret(randomBytes), publicKey: null, untilMs: null };
  }
  return { scheme, ...await generateKeyPair(randomBytes), untilMs: null };
}
