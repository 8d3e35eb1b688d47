import { isTerminal } from "../../contact_centre/dialect/states.ts";
import type { Clock } from "../../support/clock.ts";
import { createToldMembers, type ToldMembers } from "./told_members.ts";

/** What one connection has heard of sessions that are not over. It is kept in memory: after a take-over it is empty. */
export interface KnownSessions {
  stateOf(sessionId: string): string | undefined;
  ids(): readonly string[];
  /**
   * The session is in this state, as a notification told or as upstream answered when asked (`asked`). A session in a
   * terminal state is forgotten. `phone` is the customer's number where it came along.
   */
  note(sessionId: string, state: string, how: "told" | "asked", phone?: string): void;
  forget(sessionId: string): void;
  /**
   * Whether a notification of this state repeats what upstream has just answered, which has become an event already:
   * upstream changes a session and tells of it in two steps, and the question fell between them. A notification with a
   * number that the answer did not have is news: without it no text would leave.
   */
  isEcho(sessionId: string, state: string, phone?: string): boolean;
  /** What was told of the same sessions beside their states. */
  readonly members: ToldMembers;
}

interface Answer {
  readonly state: string;
  readonly phone: string | undefined;
  readonly untilMs: number;
}

/** How long after an answer the notification of the same change may come. */
export const ECHO_MS = 5_000;

/** An agent works on a handful of sessions at a time; only the one user of mode `basic` sees many. */
const MAX_KNOWN = 10_000;

/** It knows nothing yet. */
export function createKnownSessions(clock: Pick<Clock, "now">): KnownSessions {
  const states = new Map<string, string>();
  const asked = new Map<string, Answer>();
  const members = createToldMembers({ clock, echoMs: ECHO_MS, capacity: MAX_KNOWN });

  function note(sessionId: string, state: string, how: "told" | "asked", phone?: string): void {
    asked.delete(sessionId);
    if (how === "asked") asked.set(sessionId, { state, phone, untilMs: clock.now() + ECHO_MS });
    states.delete(sessionId);
    if (isTerminal(state)) members.forget(sessionId);
    else states.set(sessionId, state);
    trim(states);
    trim(asked);
  }

  return {
    stateOf: (sessionId) => states.get(sessionId),
    ids: () => [...states.keys()],
    note,
    forget(sessionId) {
      states.delete(sessionId);
      asked.delete(sessionId);
      members.forget(sessionId);
    },
    members,
    isEcho(sessionId, state, phone) {
      const answer = asked.get(sessionId);
      return answer !== undefined && answer.state === state && clock.now() <= answer.untilMs &&
        (phone === undefined || phone === answer.phone);
    },
  };
}

function trim(map: Map<string, unknown>): void {
  if (map.size <= MAX_KNOWN) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}
