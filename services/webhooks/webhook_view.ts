import { rfc3339 } from "../support/time.ts";
import { MASK } from "./own_headers.ts";
import { recoveryView } from "./recovery_job.ts";
import { keptMembers, type Webhook } from "./webhook.ts";

/**
 * A webhook as it is shown (DESIGN §5): times in RFC 3339, only the names of its own headers, never a secret. Its public
 * keys are the one that signs now and rotated ones that still do.
 */
export function webhookView(webhook: Webhook, nowMs: number) {
  const { headerNames, disabled, previousSecretUntilMs } = webhook;
  return {
    id: webhook.id,
    ...keptMembers(webhook),
    headers: Object.fromEntries(headerNames.map((name) => [name, MASK])),
    publicKeys: livePublicKeys(webhook, nowMs),
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
