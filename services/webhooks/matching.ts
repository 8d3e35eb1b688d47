import { matchesPattern } from "../events/event_types.ts";
import type { WebhookCandidate } from "../store/port/events.ts";
import type { Webhook } from "./record.ts";

/**
 * The webhooks whose event types take in an event; whether their agents match is for the store, which knows the
 * holder. A ping is for the one webhook that was pinged, so no pattern takes it in.
 *
 * For a disabled webhook the event is kept, as held, until somebody enables it.
 */
export function webhookCandidates(
  { type }: { readonly type: string },
  webhooks: readonly Webhook[],
): WebhookCandidate[] {
  if (type === "webhook.ping") return [];
  return webhooks
    .filter(({ eventTypes }) => eventTypes.some((pattern) => matchesPattern(pattern, type)))
    .map(({ id, agentIds, ordering, disabled }) => ({
      id,
      agentIds,
      ordered: ordering === "session",
      held: disabled !== null,
    }));
}
