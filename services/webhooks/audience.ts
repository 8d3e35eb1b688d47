import type { Audience, Listeners } from "../events/audience.ts";
import { matchesPattern } from "../events/event_types.ts";
import type { WebhookCandidate } from "../store/port/events.ts";
import type { WebhookEntry, WebhookStore } from "../store/port/webhooks.ts";
import type { Logger } from "../support/log.ts";
import { decodeWebhook, type Webhook } from "./webhook.ts";

export interface AudienceDependencies {
  readonly registry: Pick<WebhookStore, "listWebhooks">;
  readonly log: Logger;
}

/**
 * The registered webhooks as the audience of events. The list stays in memory until the publisher asks for it anew, so
 * that publishing costs one round trip.
 */
export function createWebhookAudience({ registry, log }: AudienceDependencies): Audience {
  let last: Listeners | null = null;
  let reading: Promise<Listeners> | null = null;

  async function read(): Promise<Listeners> {
    const { version, webhooks } = await registry.listWebhooks();
    last = listenersOf(version, webhooks.flatMap(decodeOrSkip));
    return last;
  }

  // A record that cannot be read cannot be delivered to either; it must not stop the others.
  function decodeOrSkip(entry: WebhookEntry): Webhook[] {
    try {
      return [decodeWebhook(entry)];
    } catch (cause) {
      log.error("webhook.unreadable", { webhookId: entry.id, reason: String(cause) });
      return [];
    }
  }

  function refresh(): Promise<Listeners> {
    reading ??= read().finally(() => reading = null);
    return reading;
  }

  return { present: async () => last ?? await refresh(), refresh };
}

function listenersOf(version: number, webhooks: readonly Webhook[]): Listeners {
  return {
    version,
    candidatesFor: (eventType) => webhookCandidates({ type: eventType }, webhooks),
    // Not held although the webhook may be disabled: a ping is how one learns whether its consumer is back.
    only: (webhookId) =>
      webhooks.filter(({ id }) => id === webhookId).map(({ id, ordering }) => ({
        id,
        agentIds: null,
        ordered: ordering === "session",
        held: false,
      })),
  };
}

/**
 * The webhooks whose event types take in an event. Whether their agents match is for the store, which knows the holder.
 * A ping is for the one webhook that was pinged, so no pattern takes it in.
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
