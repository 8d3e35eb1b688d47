import type { Clock } from "../../support/clock.ts";
import {
  type OwnEventPublisher,
  type OwnSessionEvent,
  writeWithEvent,
} from "../../sessions/events.ts";
import type { SessionStore } from "../../store/port/sessions.ts";

/** Why an agent is out of a session without having left through Patchbay; `data.reason` of `session.released`. */
export type DepartureReason =
  /** Upstream told the agent `Completed`. */
  | "completed"
  /** Upstream told the agent `Revoked`. */
  | "revoked"
  /** Upstream does not list the session for the agent any more. */
  | "gone-upstream";

export interface Departure {
  readonly sessionId: string;
  readonly agentId: string;
  readonly reason: DepartureReason;
  /** When this was so: a mapping made after it is a new one and stays. */
  readonly asOfMs: number;
}

export interface DeparturesDependencies {
  readonly store: Pick<SessionStore, "readSession" | "applyEffect">;
  readonly publisher: OwnEventPublisher;
  readonly clock: Clock;
}

/**
 * Takes an agent out of a session: the first participant becomes the holder, and without one the mapping ends and
 * `session.released` is published. False: the agent was not in it. Throws `StoreUnavailable`; safe to repeat.
 */
export type Depart = (departure: Departure) => Promise<boolean>;

export function createDepartures({ store, publisher, clock }: DeparturesDependencies): Depart {
  return async ({ sessionId, agentId, reason, asOfMs }) => {
    const session = await store.readSession(sessionId, { nowMs: clock.now(), slide: false });
    if (session === null) return false;
    const isHolder = session.agentId === agentId;
    const isIn = isHolder || session.participants.some((one) => one.agentId === agentId);
    if (!isIn || (isHolder && session.acceptedAtMs > asOfMs)) return false;
    const { outcome } = await writeWithEvent(
      publisher,
      releasedBy(sessionId, reason),
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

function releasedBy(sessionId: string, reason: DepartureReason): OwnSessionEvent {
  return { type: "session.released", sessionId, data: { reason } };
}
