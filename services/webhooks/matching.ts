import { matchesPattern } from "../event_types.ts";
import type { WebhookCandidate } from "../store/port.ts";
import type { Webhook } from "./record.ts";

/**
 * The webhooks whose event types take in an event; whether their agents match is for the store, which knows the
 * holder. A ping is for the one webhook that was pinged, so no pattern takes it in.
 *
 * Disabled webhooks are left out: what happens meanwhile is not kept for them.
 */
export function webhookCandidates(
  { type }: { readonly type: string },
  webhooks: readonly Webhook[],
): WebhookCandidate[] {
  if (type === "webhook.ping") return [];
  return webhooks
    .filter(({ disabled }) => disabled === null)
    .filter(({ eventTypes }) => eventTypes.some((pattern) => matchesPattern(pattern, type)))
    .map(({ id, agentIds, ordering }) => ({ id, agentIds, ordered: ordering === "session" }));
}
