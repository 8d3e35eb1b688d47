import type { EventDraft, PublishedEvent } from "../store/port/events.ts";
import type { Participant } from "../store/port/sessions.ts";
import type { StaleWebhooks } from "../store/port/webhooks.ts";

/** An event of Patchbay's own that belongs to a session. */
export interface OwnSessionEvent {
  readonly type: "session.accepted" | "session.participant_added" | "session.released";
  readonly sessionId: string;
  /** The members of `data` that are the event's own. */
  readonly data: Record<string, unknown>;
}

/** What writing an event together with a change of the mapping needs; `services/events/publisher.ts` provides it. */
export interface OwnEventPublisher {
  /** A draft for the webhooks known now, and the version of their list. */
  draft(
    event: {
      readonly type: string;
      readonly sessionId: string;
      readonly data: Record<string, unknown>;
    },
  ): Promise<{ readonly draft: EventDraft; readonly webhooksVersion: number }>;
  /** Lists the webhooks again, after the store called the version stale. */
  refresh(): Promise<void>;
  /** To be called when deliveries were made: wakes the engine that sends them. */
  published(count: number): void;
}

/** The agent holds the session from now on. */
export function sessionAccepted(sessionId: string, nickname: string): OwnSessionEvent {
  return { type: "session.accepted", sessionId, data: { nickname } };
}

/** A further agent was let in. */
export function participantAdded(
  sessionId: string,
  { agentId, nickname }: Participant,
): OwnSessionEvent {
  return {
    type: "session.participant_added",
    sessionId,
    data: { participant: { agentId, nickname } },
  };
}

/** Nobody holds the session any more. */
export function sessionReleased(sessionId: string, operationName: string): OwnSessionEvent {
  return { type: "session.released", sessionId, data: { operationName } };
}

/** Upstream has told, or shown, that it is over. */
export function sessionEnded(sessionId: string, reason: string): OwnSessionEvent {
  return { type: "session.released", sessionId, data: { reason } };
}

/** Somebody with the right to has taken the session from whoever held it. */
export function sessionTakenBack(sessionId: string, by: string): OwnSessionEvent {
  return { type: "session.released", sessionId, data: { reason: "released", by } };
}

/** How often a write is repeated when the list of webhooks changes under it. */
const MAX_STALE_WRITES = 5;

/**
 * Does one write of the store that publishes `event` in the same step, and wakes the senders if it did.
 * A write against a list of webhooks that has changed since did nothing; it is repeated with the new list.
 */
export async function writeWithEvent<
  Outcome extends { readonly outcome: string; readonly published?: PublishedEvent | null },
>(
  publisher: OwnEventPublisher,
  event: OwnSessionEvent,
  write: (draft: EventDraft, webhooksVersion: number) => Promise<Outcome | StaleWebhooks>,
): Promise<Outcome> {
  for (let tries = 1; tries <= MAX_STALE_WRITES; tries++) {
    const { draft, webhooksVersion } = await publisher.draft(event);
    const result = await write(draft, webhooksVersion);
    if (!isStale(result)) {
      if (result.published) publisher.published(result.published.deliveries);
      return result;
    }
    await publisher.refresh();
  }
  throw new Error(
    `Cannot publish ${event.type}: the list of webhooks changed ${MAX_STALE_WRITES} times under it`,
  );
}

function isStale(result: { readonly outcome: string }): result is StaleWebhooks {
  return result.outcome === "stale-webhooks";
}
