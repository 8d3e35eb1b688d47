import type { Operation } from "../contact_centre/dialect/operations.ts";
import { type OwnSessionEvent, participantAdded, sessionReleased } from "./events.ts";
import type { SessionEffect } from "../store/port/sessions.ts";

/** How long a seat stays open for the agent who was invited (DESIGN §6), or to whom a session was transferred. */
export const OPEN_SEAT_MS = 5 * 60_000;

/** What a success changes in the mapping, and the event that tells of it, where there is one. */
export interface MappingChange {
  readonly effect: SessionEffect;
  readonly event: OwnSessionEvent | null;
}

/** An operation that upstream has done. */
export interface DoneOperation {
  readonly agentId: string;
  readonly sessionId: string;
  readonly operation: Pick<Operation, "name" | "effect" | "nickname">;
  /** The agent is not in the session, but a seat is open. */
  readonly invited: boolean;
}

/**
 * How long the seat of an agent who may have gone stays open, unless upstream shows before what became of it. Whoever comes is
 * upstream's to judge, so it may be as long as a mapping lives.
 */
export const DOUBTFUL_SEAT_MS = 24 * 60 * 60_000;

/**
 * What becomes of the mapping where upstream may have done the operation at `nowMs`; null: nothing. The agent is kept, as it
 * may still be in the session, and keeps nobody out whom upstream lets in. Pure.
 */
export function changeInDoubt(
  { operation: { effect }, invited }: Pick<DoneOperation, "operation" | "invited">,
  nowMs: number,
): MappingChange | null {
  switch (effect) {
    case "open-seat":
      return { effect: { kind: "open-seat", untilMs: nowMs + OPEN_SEAT_MS }, event: null };
    case "hand-over":
    case "end":
    case "leave":
    case "reject":
      // Who is merely invited holds nobody off.
      return invited
        ? null
        : { effect: { kind: "maybe-gone", untilMs: nowMs + DOUBTFUL_SEAT_MS }, event: null };
    case "accept":
    case "join":
    case "none":
      return null;
  }
}

/**
 * What it means that upstream shows the agent of a doubt out of the session. It is this agent alone that goes:
 * another may have come in meanwhile. Pure.
 */
export function changeAfterGoing(
  { sessionId, operation }: Pick<DoneOperation, "sessionId" | "operation">,
): MappingChange {
  return { effect: { kind: "leave" }, event: sessionReleased(sessionId, operation.name) };
}

/** What the operation, done at `nowMs`, means for the mapping of its session; null: nothing. Pure. */
export function changeAfter(
  { agentId, sessionId, operation, invited }: DoneOperation,
  nowMs: number,
): MappingChange | null {
  const { name, effect } = operation;
  switch (effect) {
    case "open-seat":
      return { effect: { kind: "open-seat", untilMs: nowMs + OPEN_SEAT_MS }, event: null };
    case "hand-over":
      return {
        effect: { kind: "hand-over", untilMs: nowMs + OPEN_SEAT_MS },
        event: sessionReleased(sessionId, name),
      };
    case "end":
    case "leave":
      return { effect: { kind: effect }, event: sessionReleased(sessionId, name) };
    case "reject":
      return invited
        ? { effect: { kind: "decline" }, event: null }
        : { effect: { kind: "leave" }, event: sessionReleased(sessionId, name) };
    case "join": {
      // Intrude has no nickname of its own.
      const nickname = operation.nickname ?? agentId;
      const event = participantAdded(sessionId, { agentId, nickname });
      return { effect: { kind: "join", nickname }, event };
    }
    case "accept": // changes the mapping through its claim
    case "none":
      return null;
  }
}
