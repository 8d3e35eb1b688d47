import type { Clock } from "../support/clock.ts";
import type { Ids } from "../support/ids.ts";
import type { EventDraft, PublishedEvent } from "../store/port/events.ts";
import type { Store } from "../store/port/store.ts";
import { StoreUnavailable } from "../errors.ts";
import type { Audience, Listeners } from "./audience.ts";
import { draftFor, type TextsAmong, type UnaddressedDraft } from "./drafts.ts";
import type { ParsedNotification } from "./notification.ts";
import type { IdentifiedEvent, OwnEvent } from "./own_event.ts";

/**
 * How often one publish is tried while others change the webhooks under it. Each try needs a change of its own to
 * fail, so this many in a row means a fault and not bad luck.
 */
const MAX_TRIES = 5;

export interface PublisherDependencies {
  readonly store: Pick<Store, "publish">;
  readonly audience: Audience;
  readonly textsAmong: TextsAmong;
  readonly clock: Clock;
  readonly ids: Pick<Ids, "event">;
  /** Told how many deliveries have just become due, never 0: wakes the delivery engine. */
  readonly onPublished: (deliveries: number) => void;
}

/** Turns what happened into events with their deliveries. Every method throws `StoreUnavailable` when the store is. */
export interface Publisher {
  /**
   * Publishes all of them in one step, in this order, and does what terminal states among them mean; `departed`: so many took
   * an agent, or all of them, out of a session.
   */
  publishNotifications(
    notifications: readonly ParsedNotification[],
  ): Promise<
    { readonly accepted: number; readonly duplicates: number; readonly departed: number }
  >;
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

type Addressing = (draft: UnaddressedDraft, listeners: Listeners) => EventDraft;

/** The publisher's list of listeners may be arbitrarily old: the store refuses a publish that names an old version. */
export function createPublisher(dependencies: PublisherDependencies): Publisher {
  const { store, audience, textsAmong, clock, ids, onPublished } = dependencies;

  async function publish(
    drafts: readonly UnaddressedDraft[],
    address: Addressing,
  ): Promise<readonly PublishedEvent[]> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const listeners = await audience.present();
      const outcome = await store.publish({
        drafts: drafts.map((draft) => address(draft, listeners)),
        nowMs: clock.now(),
        webhooksVersion: listeners.version,
      });
      if (outcome.outcome === "published") {
        published(outcome.events.reduce((sum, { deliveries }) => sum + deliveries, 0));
        return outcome.events;
      }
      await audience.refresh();
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

  /** A terminal state may end the mapping, which is then told with the reason. */
  function withRelease(
    { sessionId, observed: { ending } }: ParsedNotification,
    draft: UnaddressedDraft,
  ): UnaddressedDraft {
    if (ending === undefined) return draft;
    const { reason } = ending;
    return {
      ...draft,
      released: ownDraft({ type: "session.released", sessionId, data: { reason } }),
    };
  }

  return {
    async publishNotifications(notifications) {
      if (notifications.length === 0) return { accepted: 0, duplicates: 0, departed: 0 };
      const nowMs = clock.now();
      const drafts = notifications.map((notification) =>
        withRelease(
          notification,
          draftFor(notification, { id: ids.event(nowMs), nowMs, textsAmong }),
        )
      );
      const events = await publish(drafts, toAllWhoAsked);
      const accepted = events.filter((event) => event.accepted).length;
      const departed = events.filter((event) => event.departed).length;
      return { accepted, duplicates: events.length - accepted, departed };
    },
    async publishOwn(event, { onlyWebhook } = {}) {
      const draft = ownDraft(event);
      const address = onlyWebhook === undefined ? toAllWhoAsked : toOne(onlyWebhook);
      const [outcome] = await publish([draft], address);
      if (outcome === undefined) throw new Error(`Cannot tell what became of event ${draft.id}`);
      return outcome;
    },
    publishIdentified: (events) => publish(events.map(identifiedDraft), toAllWhoAsked),
    async draft(event) {
      const listeners = await audience.present();
      return {
        draft: toAllWhoAsked(ownDraft(event), listeners),
        webhooksVersion: listeners.version,
      };
    },
    async refresh() {
      await audience.refresh();
    },
    published,
  };
}

function identifiedDraft({ data, ...event }: IdentifiedEvent): UnaddressedDraft {
  return { ...event, data: { kind: "object", json: JSON.stringify(data) }, smsMessages: [] };
}

function toAllWhoAsked(
  { released, ...draft }: UnaddressedDraft,
  listeners: Listeners,
): EventDraft {
  return {
    ...draft,
    ...(released !== undefined && { released: toAllWhoAsked(released, listeners) }),
    webhooks: listeners.candidatesFor(draft.type),
  };
}

function toOne(webhookId: string): Addressing {
  return ({ released: _, ...draft }, listeners) => ({
    ...draft,
    webhooks: listeners.only(webhookId),
  });
}
