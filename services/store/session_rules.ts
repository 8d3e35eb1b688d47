/**
 * Who may claim, confirm, hand over, leave and stand in, and with how many seats (DESIGN §6): pure functions from what a
 * store keeps of a session, and a request, to what becomes of it. SQLite runs them inside its transaction. Redis
 * says the same in Lua (redis/scripts/sessions.lua), as its step has to be one script; one table of cases holds both to it.
 */
import type { StillIn } from "./port/events.ts";
import type {
  ClaimOutcome,
  ClaimRequest,
  ConfirmOutcome,
  ConfirmRequest,
  EffectOutcome,
  EffectRequest,
  Participant,
} from "./port/sessions.ts";

/**
 * How long a terminal state that names no agent may be the one of an agent who has just left, declined or handed over, or of
 * an earlier mapping.
 */
export const STRAY_ENDING_MS = 120_000;

/** At most so many seats of a session are kept: those that end last. */
export const SEATS_KEPT = 100;

/** A seat that is never open. */
const NO_SEAT = 0;

/** An agent in a session, as it is kept. */
export interface Agent extends Participant {
  /** The seat of a holder's Transfer, by its end: see {@link hasStandIn}. */
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

/** What else there is to know when upstream tells a terminal state. */
export interface KeptOfStates {
  /** Whether upstream has told a state of the session since the holder's claim. */
  readonly hasHeard: boolean;
  /** Until then upstream may still tell of the end of an earlier mapping, which an operation has ended. */
  readonly owedUntilMs: number;
}

/** A terminal state that upstream has told. */
export interface Ending {
  /** To whom it was told; null: nobody says. */
  readonly agentId: string | null;
  readonly heardAtMs: number;
  /** Whether it is a duplicate of the session's last notification of a state. */
  readonly isRepeat: boolean;
  readonly stillIn: StillIn;
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

/**
 * An agent's Accept begins. A session that is free is claimed by one agent alone. A seat is kept for who claims it only
 * while the Accept is under way: if its answer gets lost, that agent may try again, and the seat is open to the others,
 * because upstream alone knows who was invited.
 */
export function claim(
  { mapping, claims }: Kept,
  { agentId, nowMs, untilMs, doubtFromMs = untilMs }: Omit<ClaimRequest, "sessionId" | "token">,
): Decision<ClaimOutcome> {
  const own = claims.find((claim) => claim.agentId === agentId);
  const others = claims.filter((claim) => claim !== own);
  const take = (seatUntilMs: number | null, as: "holder" | "participant") => {
    // A further try keeps the seat from others no longer than the first one did.
    const doubt = own === undefined ? doubtFromMs : Math.min(doubtFromMs, own.doubtFromMs);
    const claim = {
      agentId,
      untilMs,
      doubtFromMs: doubt,
      seatUntilMs,
      fromMs: nowMs,
      hasHeard: false,
    };
    return { outcome: { outcome: "claimed", as }, claims: { to: "take", claim } } as const;
  };
  if (mapping === null) {
    const isOwns = own !== undefined && isKeptOut([own], nowMs);
    return isOwns || !isKeptOut(others, nowMs)
      ? take(null, "holder")
      : { outcome: { outcome: "held" } };
  }
  if (isIn(mapping, agentId)) return { outcome: { outcome: "own" } };
  const seat = freeSeat(mapping, others, nowMs);
  if (seat !== undefined) {
    return take(seat, isHoldersPlace(mapping, seat) ? "holder" : "participant");
  }
  // Upstream may have let the agent in when it first asked.
  return own === undefined ? { outcome: { outcome: "held" } } : take(NO_SEAT, "participant");
}

/** Whose Accept keeps all others out of a free session; null: nobody's. */
export function claimant({ claims }: Pick<Kept, "claims">, nowMs: number): string | null {
  return claims.find((claim) => isKeptOut([claim], nowMs))?.agentId ?? null;
}

/** Upstream has agreed to the Accept. */
export function confirm(
  { mapping, claims }: Kept,
  { agentId, nickname, nowMs, as }: Omit<ConfirmRequest, "sessionId" | "acceptedUpstreamMs">,
): Decision<Exclude<ConfirmOutcome["outcome"], "stale-webhooks">> {
  const own = claims.find((claim) => claim.agentId === agentId);
  const claimOver = own === undefined ? {} : { claims: { to: "drop-own" } } as const;
  if (mapping !== null && isIn(mapping, agentId)) return { outcome: "already", ...claimOver };

  const confirmed = (mapping: MappingChange) =>
    ({ outcome: "confirmed", mapping, ...claimOver, tells: true }) as const;
  const newcomer = { agentId, nickname };
  if (mapping === null) {
    // As a participant: the session whose seat was claimed is over, and the event tells of a participant.
    if (as === "participant" || (own === undefined && isKeptOut(claims, nowMs))) {
      return { outcome: "lost" };
    }
    const begun = {
      agents: [newcomer],
      seats: [],
      acceptedAtMs: nowMs,
      strayUntilMs: 0,
    } as const;
    return confirmed({ to: "begin", mapping: begun, asHeard: own !== undefined });
  }
  if (as === "participant") {
    const agents: Agents = [...mapping.agents, newcomer];
    const taken = own === undefined ? freeSeat(mapping, [], nowMs, "plain") : own.seatUntilMs;
    return confirmed({
      to: "change",
      mapping: { ...mapping, agents, seats: without(mapping.seats, taken) },
    });
  }
  const [{ standsInUntil, ...standIn }, ...participants] = mapping.agents;
  if (standsInUntil === undefined || !hasStandIn(mapping)) return { outcome: "lost" };
  // Who stood in is a participant again.
  const agents: Agents = [newcomer, standIn, ...participants];
  const seats = without(mapping.seats, standsInUntil);
  return confirmed({ to: "change", mapping: { ...mapping, agents, seats, acceptedAtMs: nowMs } });
}

/** Upstream has done an agent's operation, or has said what became of the session. */
export function applyEffect(
  { mapping, claims }: Kept,
  { agentId, nowMs, effect }: Omit<EffectRequest, "sessionId">,
): Decision<Exclude<EffectOutcome["outcome"], "stale-webhooks">> {
  const nothing = { outcome: "nothing" } as const;
  const ended = { outcome: "applied", mapping: { to: "end" }, tells: true } as const;
  if (effect.kind === "release") {
    const claimsOver = { claims: { to: "drop-all" } } as const;
    if (mapping === null) {
      return claims.length === 0 ? nothing : { outcome: "applied", ...claimsOver };
    }
    const { acceptedByMs = mapping.acceptedAtMs } = effect;
    return mapping.acceptedAtMs > acceptedByMs ? nothing : { ...ended, ...claimsOver };
  }
  const isForOutsiders = effect.kind === "join" || effect.kind === "decline";
  if (mapping === null || isIn(mapping, agentId) === isForOutsiders) return nothing;

  const changed = (change: Partial<Mapping>) =>
    ({
      outcome: "applied",
      mapping: { to: "change", mapping: { ...mapping, ...change } },
    }) as const;
  const strayUntilMs = nowMs + STRAY_ENDING_MS;
  switch (effect.kind) {
    case "open-seat":
      return changed({ seats: more(mapping, effect.untilMs, nowMs) });
    case "decline": {
      const own = claims.find((claim) => claim.agentId === agentId);
      const seat = freeSeat(mapping, [], nowMs);
      if (seat === undefined) return nothing;
      const isOwns = own?.seatUntilMs != null && mapping.seats.includes(own.seatUntilMs);
      return {
        ...changed({
          strayUntilMs,
          seats: without(mapping.seats, isOwns ? own.seatUntilMs : seat),
        }),
        ...(own !== undefined && { claims: { to: "drop-own" } }),
      };
    }
    case "join": {
      const agents: Agents = [...mapping.agents, { agentId, nickname: effect.nickname }];
      return { ...changed({ agents }), tells: true };
    }
    case "end":
      return ended;
    case "leave": {
      const agents = afterLeaving(mapping, agentId);
      return agents === null ? ended : changed({ agents, strayUntilMs });
    }
    case "maybe-gone": {
      const [holder, ...others] = mapping.agents;
      if (holder.agentId !== agentId) {
        return changed({ seats: more(mapping, effect.untilMs, nowMs) });
      }
      // Its place is open already.
      if (hasStandIn(mapping)) return nothing;
      const agents: Agents = [{ ...holder, standsInUntil: effect.untilMs }, ...others];
      return changed({ agents, seats: more(mapping, effect.untilMs, nowMs) });
    }
    case "hand-over": {
      const left = staying(mapping, agentId);
      if (left === null) return ended;
      const isHolder = mapping.agents[0].agentId === agentId;
      const [first, ...others] = left;
      const agents: Agents = isHolder
        ? [{ ...first, standsInUntil: effect.untilMs }, ...others]
        : left;
      return changed({ agents, strayUntilMs, seats: more(mapping, effect.untilMs, nowMs) });
    }
  }
}

/**
 * Upstream has told a terminal state. Told to an agent, it takes that agent out, as Leave does. Where nobody says to whom, it
 * ends the mapping for all, unless it may be only that of an agent who has left or declined, or that of an earlier mapping:
 * releasing wrongly is worse than releasing late.
 */
export function hearEnding(
  { mapping, claims, ...states }: Kept & KeptOfStates,
  ending: Ending,
  nowMs: number,
): Decision<"departed" | "nothing"> {
  const { agentId, heardAtMs } = ending;
  const nothing = { outcome: "nothing" } as const;
  const ended = { outcome: "departed", mapping: { to: "end" }, tells: true } as const;
  if (agentId !== null) {
    const isOver = claims.some((claim) => claim.agentId === agentId && claim.fromMs <= heardAtMs);
    const claimOver = isOver ? { claims: { to: "drop-own" } } as const : {};
    if (mapping === null || !isIn(mapping, agentId)) return { ...nothing, ...claimOver };
    const isHolder = mapping.agents[0].agentId === agentId;
    if (isHolder && mapping.acceptedAtMs > heardAtMs) return nothing;
    const agents = afterLeaving(mapping, agentId);
    if (agents === null) return { ...ended, ...claimOver };
    const changed = { ...mapping, agents, strayUntilMs: nowMs + STRAY_ENDING_MS };
    return { outcome: "departed", mapping: { to: "change", mapping: changed }, ...claimOver };
  }
  // What comes again says nothing new, and may be about what was before.
  if (ending.isRepeat) return nothing;
  const isOwed = states.owedUntilMs > nowMs;
  const claimsOver = { claims: { to: "drop-all" } } as const;
  if (mapping !== null) {
    const isOlder = mapping.acceptedAtMs > heardAtMs || (isOwed && !states.hasHeard);
    return isOlder || mayBeStray(mapping, ending, nowMs) ? nothing : { ...ended, ...claimsOver };
  }
  const areOver = claims.length > 0 && ending.stillIn !== "agents" &&
    claims.every(({ fromMs, hasHeard }) => fromMs <= heardAtMs && (hasHeard || !isOwed));
  return areOver ? { ...nothing, ...claimsOver } : nothing;
}

/** Whether a terminal state may be that of one agent alone, who may be merely invited, while others go on. */
function mayBeStray(
  { agents, seats, strayUntilMs }: Mapping,
  { stillIn }: Ending,
  nowMs: number,
): boolean {
  if (stillIn === "others") return false;
  return agents.length > 1 || strayUntilMs > nowMs || seats.some((untilMs) => untilMs > nowMs);
}

function isIn({ agents }: Mapping, agentId: string): boolean {
  return agents.some((agent) => agent.agentId === agentId);
}

/** Whether one of these claims keeps other agents from a free session. One in doubt on a seat of an earlier mapping does not. */
function isKeptOut(claims: readonly Claim[], nowMs: number): boolean {
  return claims.some(({ seatUntilMs, doubtFromMs }) => seatUntilMs === null || doubtFromMs > nowMs);
}

/**
 * The seat that the next Accept takes, by its end: a holder's place first, then the one that ends first; undefined where none
 * is open, or others' Accepts are under way for each of them. `plain`: of those that are no holder's place.
 */
function freeSeat(
  mapping: Mapping,
  others: readonly Claim[],
  nowMs: number,
  which: "any" | "plain" = "any",
): number | undefined {
  let seats: readonly number[] = mapping.seats.filter((untilMs) => untilMs > nowMs);
  if (which === "plain" && hasStandIn(mapping)) {
    seats = without(seats, mapping.agents[0].standsInUntil);
  }
  for (const { doubtFromMs, seatUntilMs } of others) {
    if (doubtFromMs > nowMs) seats = without(seats, seatUntilMs);
  }
  return seats.find((untilMs) => isHoldersPlace(mapping, untilMs)) ?? seats[0];
}

function isHoldersPlace({ agents }: Mapping, seatUntilMs: number): boolean {
  return agents[0].standsInUntil === seatUntilMs;
}

/**
 * Whether the first agent only stands in for a holder whose Transfer nobody has accepted yet. Once that seat is gone, the
 * first agent is the holder for good.
 */
function hasStandIn(mapping: Mapping): boolean {
  return mapping.seats.some((untilMs) => isHoldersPlace(mapping, untilMs));
}

/** The seats with one more; those that have closed are forgotten. */
function more({ seats }: Mapping, untilMs: number, nowMs: number): readonly number[] {
  const open = seats.filter((each) => each > nowMs);
  return [...open, untilMs].sort((a, b) => a - b).slice(-SEATS_KEPT);
}

/** The seats without one that ends then. */
function without(seats: readonly number[], untilMs: number | null | undefined): readonly number[] {
  const at = seats.findIndex((each) => each === untilMs);
  return at === -1 ? seats : seats.toSpliced(at, 1);
}

/** Who is in it once the agent has left; null when nobody is left. Whoever comes first now stands in for the same place. */
function afterLeaving(mapping: Mapping, agentId: string): Agents | null {
  const left = staying(mapping, agentId);
  const [{ standsInUntil }] = mapping.agents;
  if (left === null || standsInUntil === undefined || !hasStandIn(mapping)) return left;
  const [first, ...others] = left;
  return [{ ...first, standsInUntil }, ...others];
}

/** Who stays once the agent is gone; null when nobody is left. */
function staying({ agents }: Mapping, agentId: string): Agents | null {
  const [holder, ...participants] = agents.filter((agent) => agent.agentId !== agentId);
  return holder === undefined ? null : [holder, ...participants];
}
