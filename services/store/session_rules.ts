/**
 * Who may claim, confirm, hand over, leave and stand in, and with how many seats (DESIGN §6): pure functions from what a
 * store keeps of a session, and a request, to what becomes of it. SQLite runs them inside its transaction. Redis
 * says the same in Lua (redis/scripts/sessions.lua), as its step has to be one script; one table of cases holds both to it.
 */
import type {
  ClaimOutcome,
  ClaimRequest,
  ConfirmOutcome,
  ConfirmRequest,
  EffectOutcome,
  EffectRequest,
  Participant,
} from "./port/sessions.ts";

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
  /** As in {@link SessionRecord.seatUntilMs}. */
  readonly seatUntilMs: number;
}

/** An Accept under way; one past its time does not count. */
export interface Claim {
  readonly agentId: string;
  readonly untilMs: number;
}

/** All that the rules look at. */
export interface Kept {
  readonly mapping: Mapping | null;
  readonly claim: Claim | null;
}

/** What becomes of the mapping. */
export type MappingChange =
  /** A new one begins, in the state that was heard during the agent's claim, or else as `accepted`. */
  | { readonly to: "begin"; readonly mapping: Mapping; readonly asHeard: boolean }
  /** `acceptedAnew`: there is a new holder by Accept. */
  | { readonly to: "change"; readonly mapping: Mapping; readonly acceptedAnew: boolean }
  /** It ends for everybody. */
  | { readonly to: "end" };

/** What an engine has to do, in one atomic step; a member left out changes nothing. */
export interface Decision<Outcome> {
  readonly outcome: Outcome;
  readonly mapping?: MappingChange;
  /** `take`: it is the agent's from now on, and nothing was heard during it yet. */
  readonly claim?: "take" | "drop";
  /**
   * The request's event is published: before the mapping ends, so that the event names who held it, and otherwise after the
   * mapping has changed.
   */
  readonly tells?: true;
}

/** An agent's Accept begins. */
export function claim(
  { mapping, claim }: Kept,
  { agentId, nowMs }: Pick<ClaimRequest, "agentId" | "nowMs">,
): Decision<ClaimOutcome> {
  if (mapping !== null && isIn(mapping, agentId)) return { outcome: { outcome: "own" } };
  if (mapping !== null && !hasSeat(mapping, nowMs)) return { outcome: { outcome: "held" } };
  if (isAnothers(claim, agentId, nowMs)) return { outcome: { outcome: "held" } };
  const as = mapping === null || hasStandIn(mapping) ? "holder" : "participant";
  return { outcome: { outcome: "claimed", as }, claim: "take" };
}

/** Upstream has agreed to the Accept. */
export function confirm(
  { mapping, claim }: Kept,
  { agentId, nickname, nowMs, as }: Omit<ConfirmRequest, "sessionId" | "acceptedUpstreamMs">,
): Decision<Exclude<ConfirmOutcome["outcome"], "stale-webhooks">> {
  const claimOver = claim?.agentId === agentId ? { claim: "drop" } as const : {};
  if (mapping !== null && isIn(mapping, agentId)) return { outcome: "already", ...claimOver };
  if (isAnothers(claim, agentId, nowMs)) return { outcome: "lost" };

  const confirmed = (mapping: MappingChange) =>
    ({ outcome: "confirmed", mapping, ...claimOver, tells: true }) as const;
  const newcomer = { agentId, nickname };
  if (mapping === null) {
    // The session whose seat was claimed is over; the event tells of a participant.
    if (as === "participant") return { outcome: "lost" };
    const asHeard = claim?.agentId === agentId && claim.untilMs > nowMs;
    return confirmed({ to: "begin", mapping: { agents: [newcomer], seatUntilMs: 0 }, asHeard });
  }
  if (as === "participant") {
    const agents: Agents = [...mapping.agents, newcomer];
    return confirmed({ to: "change", mapping: { agents, seatUntilMs: 0 }, acceptedAnew: false });
  }
  if (!hasStandIn(mapping)) return { outcome: "lost" };
  // Who stood in is a participant again.
  const [{ standsInUntil: _, ...standIn }, ...participants] = mapping.agents;
  const agents: Agents = [newcomer, standIn, ...participants];
  return confirmed({ to: "change", mapping: { agents, seatUntilMs: 0 }, acceptedAnew: true });
}

/** Upstream has done an agent's operation. */
export function applyEffect(
  mapping: Mapping | null,
  { agentId, nowMs, effect }: Omit<EffectRequest, "sessionId">,
): Decision<Exclude<EffectOutcome["outcome"], "stale-webhooks">> {
  const isForOutsiders = effect.kind === "join" || effect.kind === "decline";
  if (mapping === null || isIn(mapping, agentId) === isForOutsiders) return { outcome: "nothing" };

  const changed = (change: Partial<Mapping>) =>
    ({
      outcome: "applied",
      mapping: { to: "change", mapping: { ...mapping, ...change }, acceptedAnew: false },
    }) as const;
  const ended = { outcome: "applied", mapping: { to: "end" }, tells: true } as const;
  switch (effect.kind) {
    case "open-seat":
      return changed({ seatUntilMs: effect.untilMs });
    case "decline":
      return hasSeat(mapping, nowMs) ? changed({ seatUntilMs: 0 }) : { outcome: "nothing" };
    case "join": {
      const agents: Agents = [...mapping.agents, { agentId, nickname: effect.nickname }];
      return { ...changed({ agents }), tells: true };
    }
    case "end":
      return ended;
    case "leave": {
      const agents = without(mapping, agentId);
      return agents === null ? ended : changed({ agents });
    }
    case "hand-over": {
      const left = without(mapping, agentId);
      if (left === null) return ended;
      const { untilMs: seatUntilMs } = effect;
      const isHolder = mapping.agents[0].agentId === agentId;
      const [first, ...others] = left;
      const agents: Agents = isHolder
        ? [{ ...first, standsInUntil: seatUntilMs }, ...others]
        : left;
      return changed({ agents, seatUntilMs });
    }
  }
}

function isIn({ agents }: Mapping, agentId: string): boolean {
  return agents.some((agent) => agent.agentId === agentId);
}

function hasSeat({ seatUntilMs }: Mapping, nowMs: number): boolean {
  return seatUntilMs > nowMs;
}

/**
 * Whether the first agent only stands in for a holder whose Transfer nobody has accepted yet. Once that seat is closed, or
 * another Invite has opened one, the first agent is the holder for good.
 */
function hasStandIn({ agents, seatUntilMs }: Mapping): boolean {
  return agents[0].standsInUntil === seatUntilMs;
}

/** Whether another agent's Accept is under way. */
function isAnothers(claim: Claim | null, agentId: string, nowMs: number): boolean {
  return claim !== null && claim.agentId !== agentId && claim.untilMs > nowMs;
}

/** Who stays once the agent is gone; null when nobody is left. */
function without({ agents }: Mapping, agentId: string): Agents | null {
  const [holder, ...participants] = agents.filter((agent) => agent.agentId !== agentId);
  return holder === undefined ? null : [holder, ...participants];
}
