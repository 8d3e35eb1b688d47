/**
 * Who may claim, confirm, hand over, leave and stand in, and with how many seats (DESIGN §6), in this folder: pure functions
 * from what a store keeps of a session ({@link Kept}), and a request, to what becomes of it ({@link Decision}). SQLite runs
 * them inside its transaction. Redis says the same in Lua (redis/scripts/), as its step has to be one script; one table
 * of cases holds both to it.
 */
import type { Participant } from "../port/sessions.ts";

/**
 * How long a terminal state that names no agent may be the one of an agent who has just left, declined or handed over, or of
 * an earlier mapping.
 */
export const STRAY_ENDING_MS = 120_000;

/** An agent in a session, as it is kept. */
export interface Agent extends Participant {
  /** The seat of a holder's Transfer, by its end: see `hasStandIn` (seats.ts). */
  readonly standsInUntil?: number;
}

/** The holder, then the participants. */
export type Agents = readonly [Agent, ...Agent[]];

/** Who is in a session. A mapping that has lapsed is none. */
export interface Mapping {
  readonly agents: Agents;
  /** As in {@link SessionRecord.seatsUntilMs}. */
  readonly seats: readonly number[];
  /** When the holder accepted it. */
  readonly acceptedAtMs: number;
  /** Until then a terminal state may be that of somebody who has gone, or has declined: {@link STRAY_ENDING_MS}. */
  readonly strayUntilMs: number;
}

/** An Accept under way, or one whose answer got lost. */
export interface Claim {
  readonly agentId: string;
  /** When it ends by itself. One that has lapsed is none. */
  readonly untilMs: number;
  /** From then on it is in doubt: nobody waits for upstream's answer any more. */
  readonly doubtFromMs: number;
  /** By its end, the seat that the Accept means to take; one that is gone takes none. Null: the session was free. */
  readonly seatUntilMs: number | null;
  /** When it was made. */
  readonly fromMs: number;
  /** Whether upstream has told a state of the session since. */
  readonly hasHeard: boolean;
}

/** All that the rules look at. */
export interface Kept {
  readonly mapping: Mapping | null;
  /** Those that have not lapsed, at most one of each agent. */
  readonly claims: readonly Claim[];
}

/** What becomes of the mapping. */
export type MappingChange =
  /** A new one begins, in the state that was heard during the agent's claim, or else as `accepted`. */
  | { readonly to: "begin"; readonly mapping: Mapping; readonly asHeard: boolean }
  | { readonly to: "change"; readonly mapping: Mapping }
  /** It ends for everybody. */
  | { readonly to: "end" };

/** What becomes of claims. */
export type ClaimChange =
  /** The agent's Accept is under way from now on, and nothing was heard during it yet. */
  | { readonly to: "take"; readonly claim: Claim }
  /** The agent's claim is over. */
  | { readonly to: "drop-own" }
  /** Everybody's is. */
  | { readonly to: "drop-all" };

/** What an engine has to do, in one atomic step; a member left out changes nothing. */
export interface Decision<Outcome> {
  readonly outcome: Outcome;
  readonly mapping?: MappingChange;
  readonly claims?: ClaimChange;
  /**
   * The request's event is published: before the mapping ends, so that the event names who held it, and otherwise after the
   * mapping has changed.
   */
  readonly tells?: true;
}
