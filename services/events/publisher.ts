import type { Clock } from "../support/clock.ts";
import type { OwnEvent } from "../delivery/sink.ts";
import { StoreUnavailable } from "../errors.ts";
import type { Ids } from "../support/ids.ts";
import type { Logger } from "../support/log.ts";
import { draftFor, type UnaddressedDraft } from "./drafts.ts";
import type { ParsedNotification } from "../contact_centre/dialect/notifications.ts";
import type { EventDraft, PublishedEvent, WebhookCandidate } from "../store/port/events.ts";
import type { RecordGuard } from "../store/port/records.ts";
import type { Store } from "../store/port/store.ts";
import type { WebhookEntry } from "../store/port/webhooks.ts";
import { webhookCandidates } from "../webhooks/matching.ts";
import { decodeWebhook, type Webhook } from "../webhooks/record.ts";

/**
 * How often one publish is tried while others change the webhooks under it. Each try needs a change of its own to
 * fail, so this many in a row means a fault and not bad luck.
 */
const MAX_TRIES = 5;

export interface PublisherDependencies {
  readonly store: Pick<Store, "publish" | "listWebhooks">;
  readonly clock: Clock;
  readonly ids: Pick<Ids, "event">;
  readonly log: Logger;
  /** False: no message of a notification is offered for sending to the customer. */
  readonly smsEnabled: boolean;
  /** Told how many deliveries have just become due, never 0: wakes the delivery engine. */
  readonly onPublished: (deliveries: number) => void;
}

/**
 * An event of Patchbay's own whose id was chosen, and written down, before it is published: the store publishes an id once,
 * however often it is asked to.
 */
export interface IdentifiedEvent extends OwnEvent {
  readonly id: string;
  readonly occurredAtMs: number;
  /** Published only while this holds, and never without it. */
  readonly guard?: RecordGuard;
}

/** Turns what happened into events with their deliveries. Every method throws `StoreUnavailable` when the store is. */
export interface Publisher {
  /** Publishes all of them in one step, in this order. */
  publishNotifications(
    notifications: readonly ParsedNotification[],
  ): Promise<{ readonly accepted: number; readonly duplicates: number }>;
  /**
   * Publishes one event of Patchbay's own. With `onlyWebhook` (an id) it goes to that webhook alone, whichever event
   * types and agents it asked for.
   */
  publishOwn(event: OwnEvent, options?: { readonly onlyWebhook?: string }): Promise<PublishedEvent>;
  /** Publishes all of them in one step; they belong to one session, or to none. */
  publishIdentified(events: readonly IdentifiedEvent[]): Promise<readonly PublishedEvent[]>;
  /** An event for somebody else to publish as part of a larger step, with the version that the step has to name. */
  draft(event: OwnEvent): Promise<{ draft: EventDraft; webhooksVersion: number }>;
  /** To be called when such a step was told `stale-webhooks`, before drafting again. */
  refresh(): Promise<void>;
  /** To be called after such a step, with the number of deliveries that it made. */
  published(deliveries: number): void;
}

interface Snapshot {
  readonly version: number;
  readonly webhooks: readonly Webhook[];
}

type Addressing = (draft: UnaddressedDraft, webhooks: readonly Webhook[]) => WebhookCandidate[];

/**
 * The publisher keeps the list of webhooks in memory for as long as no publish says that it has changed, so publishing
 * costs one round trip. The list may be arbitrarily old: the store refuses a publish that names an old version.
 */
export function createPublisher(
  { store, clock, ids, log, smsEnabled, onPublished }: PublisherDependencies,
): Publisher {
  let snapshot: Snapshot | null = null;
  let loading: Promise<Snapshot> | null = null;

  function load(): Promise<Snapshot> {
    loading ??= readSnapshot().finally(() => loading = null);
    return loading;
  }

  async function readSnapshot(): Promise<Snapshot> {
    const { version, webhooks } = await store.listWebhooks();
    snapshot = { version, webhooks: webhooks.flatMap(decodeOrSkip) };
    return snapshot;
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

  async function publish(
    drafts: readonly UnaddressedDraft[],
    address: Addressing,
  ): Promise<readonly PublishedEvent[]> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const { version, webhooks } = snapshot ?? await load();
      const outcome = await store.publish({
        drafts: drafts.map((draft) => ({ ...draft, webhooks: address(draft, webhooks) })),
        nowMs: clock.now(),
        webhooksVersion: version,
      });
      if (outcome.outcome === "published") {
        published(outcome.events.reduce((sum, { deliveries }) => sum + deliveries, 0));
        return outcome.events;
      }
      await load();
    }
    throw new StoreUnavailable("publish events while the list of webhooks keeps changing");
  }

  function published(deliveries: number): void {
    if (deliveries > 0) onPublished(deliveries);
  }

  function ownDraft(event: OwnEvent): UnaddressedDraft {
    const nowMs = clock.now();
    return identifiedDraft({ ...event, id: ids.event(nowMs), occurredAtMs: nowMs });
  }

  return {
    async publishNotifications(notifications) {
      if (notifications.length === 0) return { accepted: 0, duplicates: 0 };
      const nowMs = clock.now();
      const drafts = notifications.map((notification) =>
        draftFor(notification, { id: ids.event(nowMs), nowMs, smsEnabled })
      );
      const events = await publish(drafts, webhookCandidates);
      const accepted = events.filter((event) => event.accepted).length;
      return { accepted, duplicates: events.length - accepted };
    },
    async publishOwn(event, { onlyWebhook } = {}) {
      const draft = ownDraft(event);
      const address = onlyWebhook === undefined ? webhookCandidates : only(onlyWebhook);
      const [outcome] = await publish([draft], address);
      if (outcome === undefined) throw new Error(`Cannot tell what became of event ${draft.id}`);
      return outcome;
    },
    publishIdentified: (events) => publish(events.map(identifiedDraft), webhookCandidates),
    async draft(event) {
      const { version, webhooks } = snapshot ?? await load();
      const draft = ownDraft(event);
      return {
        draft: { ...draft, webhooks: webhookCandidates(draft, webhooks) },
        webhooksVersion: version,
      };
    },
    async refresh() {
      await load();
    },
    published,
  };
}

function identifiedDraft({ data, ...event }: IdentifiedEvent): UnaddressedDraft {
  return { ...event, data: { kind: "object", json: JSON.stringify(data) }, smsMessages: [] };
}

function only(webhookId: string): Addressing {
  return (_draft, webhooks) =>
    webhooks
      .filter(({ id }) => id === webhookId)
      // Not held although the webhook may be disabled: a ping is how one learns whether its consumer is back.
      .map(({ id, ordering }) => ({
        id,
        agentIds: null,
        ordered: ordering === "session",
        held: false,
      }));
}
