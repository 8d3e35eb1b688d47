import type { SessionEnding } from "../../contact_centre/dialect/states.ts";
import type { Clock } from "../../support/clock.ts";
import { type OwnEventPublisher, sessionEnded, writeWithEvent } from "../../sessions/events.ts";
import type { SessionStore } from "../../store/port/sessions.ts";

/** Why an agent is out of a session without having left through Patchbay; `data.reason` of `session.released`. */
export type MappingEndReason =
  /** Upstream told the agent that the session is over. */
  | SessionEnding
  /** Upstream does not list the session for the agent any more. */
  | "gone-upstream";

export interface MappingEnd {
  readonly sessionId: string;
  readonly agentId: string;
  readonly reason: MappingEndReason;
  /** When upstream said or showed it (Unix milliseconds). A mapping made later is a new one and stays. */
  readonly observedAtMs: number;
}

export interface EndMappingDependencies {
  readonly store: Pick<SessionStore, "readSession" | "applyEffect">;
  readonly publisher: OwnEventPublisher;
  readonly clock: Clock;
}

/**
 * Takes an agent out of a session: the first participant becomes the holder, and without one the mapping ends and
 * `session.released` is published. False: the agent was not in it. Throws `StoreUnavailable`; safe to repeat.
 */
export type EndMapping = (end: MappingEnd) => Promise<boolean>;

export function createEndMapping({ store, publisher, clock }: EndMappingDependencies): EndMapping {
  return async ({ sessionId, agentId, reason, observedAtMs }) => {
    const session = await store.readSession(sessionId, { nowMs: clock.now(), slide: false });
    if (session === null) return false;
    const isHolder = session.agentId === agentId;
    const isIn = isHolder || session.participants.some((one) => one.agentId === agentId);
    if (!isIn || (isHolder && session.acceptedAtMs > observedAtMs)) return false;
    const { outcome } = await writeWithEvent(
      publisher,
      sessionEnded(sessionId, reason),
      (draft, webhooksVersion) =>
        store.applyEffect(
          { sessionId, agentId, nowMs: clock.now(), effect: { kind: "leave" } },
          draft,
          webhooksVersion,
        ),
    );
    return outcome === "applied";
  };
}
