import { rfc3339 } from "../support/time.ts";
import { MASK } from "./input.ts";
import type { Recovery, Webhook } from "./record.ts";

/**
 * A webhook as it is shown (DESIGN §5): times in RFC 3339, of its own headers only the names, never a secret.
 * Public keys are the one that signs now and rotated ones that still do.
 */
export function webhookView(webhook: Webhook, nowMs: number) {
  const { id, url, eventTypes, agentIds, ordering, payload, signing, rateLimit } = webhook;
  const { headerNames, description, disabled, previousSecretUntilMs } = webhook;
  return {
    id,
    url,
    eventTypes,
    agentIds,
    ordering,
    payload,
    signing,
    publicKeys: livePublicKeys(webhook, nowMs),
    headers: Object.fromEntries(headerNames.map((name) => [name, MASK])),
    rateLimit,
    concurrency: webhook.concurrency,
    description,
    status: disabled === null ? "enabled" : "disabled",
    disabledReason: disabled?.reason ?? null,
    disabledAt: disabled === null ? null : rfc3339(disabled.atMs),
    previousSecretUntil: previousSecretUntilMs !== null && previousSecretUntilMs > nowMs
      ? rfc3339(previousSecretUntilMs)
      : null,
    recovery: webhook.recovery === null ? null : recoveryView(webhook.recovery),
    createdAt: rfc3339(webhook.createdAtMs),
    updatedAt: rfc3339(webhook.updatedAtMs),
  };
}

/** A recovery as it is shown: how far it has come, and for which time. */
export function recoveryView(recovery: Recovery) {
  return {
    since: rfc3339(recovery.sinceMs),
    until: rfc3339(recovery.untilMs),
    total: recovery.total,
    requeued: recovery.requeued,
    state: recovery.state,
    startedAt: rfc3339(recovery.startedAtMs),
    updatedAt: rfc3339(recovery.updatedAtMs),
  };
}

/** The public keys of the webhooks that sign `v1a`, for `/.well-known/webhook-keys`. */
export function webhookKeysView(webhooks: readonly Webhook[], nowMs: number) {
  return webhooks
    .filter(({ signing }) => signing.includes("v1a"))
    .map((webhook) => ({ webhookId: webhook.id, publicKeys: livePublicKeys(webhook, nowMs) }));
}

function livePublicKeys({ publicKeys }: Webhook, nowMs: number): string[] {
  return publicKeys
    .filter(({ untilMs }) => untilMs === null || untilMs > nowMs)
    .map(({ key }) => key);
}
