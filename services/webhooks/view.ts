import { MASK } from "./input.ts";
import type { Webhook } from "./record.ts";

/**
 * A webhook as it is shown (DESIGN §5): times in RFC 3339, of its own headers only the names, never a secret.
 * Public keys are the one that signs now and rotated ones that still do.
 */
export function webhookView(webhook: Webhook, nowMs: number) {
  const { id, url, eventTypes, agentIds, ordering, payload, signing, rateLimit } = webhook;
  const { publicKeys, headerNames, description, disabled, previousSecretUntilMs } = webhook;
  const isAhead = (timeMs: number | null) => timeMs === null || timeMs > nowMs;
  return {
    id,
    url,
    eventTypes,
    agentIds,
    ordering,
    payload,
    signing,
    publicKeys: publicKeys.filter(({ untilMs }) => isAhead(untilMs)).map(({ key }) => key),
    headers: Object.fromEntries(headerNames.map((name) => [name, MASK])),
    rateLimit,
    description,
    status: disabled === null ? "enabled" : "disabled",
    disabledReason: disabled?.reason ?? null,
    disabledAt: disabled === null ? null : rfc3339(disabled.atMs),
    previousSecretUntil: previousSecretUntilMs !== null && isAhead(previousSecretUntilMs)
      ? rfc3339(previousSecretUntilMs)
      : null,
    createdAt: rfc3339(webhook.createdAtMs),
    updatedAt: rfc3339(webhook.updatedAtMs),
  };
}

function rfc3339(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
