import type { SessionMembers } from "../../contact_centre/dialect/session_members.ts";
import type { Clock } from "../../support/clock.ts";
import { createLruMap } from "../../support/lru_map.ts";

/** The events that tell a session's members by themselves. */
export type MembersEvent = "session.participants_updated" | "session.properties_updated";

/** What one connection has been told of its sessions' members, and has told on. It is kept in memory. */
export interface ToldMembers {
  /** Undefined: nothing was told. */
  of(sessionId: string): SessionMembers | undefined;
  /** What was told now; a member that is missing is as it was before. */
  note(sessionId: string, members: SessionMembers): void;
  /** An event was made of what upstream answered when asked. */
  noteAsked(sessionId: string, type: MembersEvent, members: SessionMembers): void;
  /** Whether a notification repeats what has become an event of the same type just before, as upstream was asked. */
  isEcho(sessionId: string, type: MembersEvent, members: SessionMembers): boolean;
  forget(sessionId: string): void;
}

interface Asked {
  readonly members: SessionMembers;
  readonly untilMs: number;
}

/** It knows nothing yet. The session that was not heard of for longest makes room. */
export function createToldMembers(
  { clock, echoMs, capacity }: {
    readonly clock: Pick<Clock, "now">;
    /** How long after an answer the notification of the same change may come. */
    readonly echoMs: number;
    readonly capacity: number;
  },
): ToldMembers {
  const told = createLruMap<string, SessionMembers>(capacity);
  const asked = createLruMap<string, Asked>(capacity);
  const askedKey = (sessionId: string, type: MembersEvent) => `${type} ${sessionId}`;

  function note(sessionId: string, members: SessionMembers): void {
    told.set(sessionId, { ...told.get(sessionId), ...members });
  }

  return {
    of: (sessionId) => told.get(sessionId),
    note,
    noteAsked(sessionId, type, members) {
      note(sessionId, members);
      asked.set(askedKey(sessionId, type), { members, untilMs: clock.now() + echoMs });
    },
    isEcho(sessionId, type, members) {
      const answer = asked.get(askedKey(sessionId, type));
      return answer !== undefined && clock.now() <= answer.untilMs &&
        members.participants === answer.members.participants &&
        members.userData === answer.members.userData;
    },
    forget(sessionId) {
      told.delete(sessionId);
      asked.delete(askedKey(sessionId, "session.participants_updated"));
      asked.delete(askedKey(sessionId, "session.properties_updated"));
    },
  };
}
