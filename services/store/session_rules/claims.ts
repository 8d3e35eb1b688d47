import type {
  ClaimOutcome,
  ClaimRequest,
  ConfirmOutcome,
  ConfirmRequest,
} from "../port/sessions.ts";
import type { Agents, Claim, Decision, Kept, MappingChange } from "./kept.ts";
import { freeSeat, hasStandIn, isHoldersPlace, isIn, without } from "./seats.ts";

/** Of an agent's Accepts without an answer so many are known apart: those that came last. */
export const TOKENS_KEPT = 10;

/** A seat that is never open. */
const NO_SEAT = 0;

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
    const again = own !== undefined && own.doubtFromMs <= nowMs ? { isRetry: true } as const : {};
    return {
      outcome: { outcome: "claimed", as, ...again },
      claims: { to: "take", claim },
    } as const;
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

/** Whether one of these claims keeps other agents from a free session. One in doubt on a seat of an earlier mapping does not. */
function isKeptOut(claims: readonly Claim[], nowMs: number): boolean {
  return claims.some(({ seatUntilMs, doubtFromMs }) => seatUntilMs === null || doubtFromMs > nowMs);
}
