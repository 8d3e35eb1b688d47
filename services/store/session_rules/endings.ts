import type { StillIn } from "../port/events.ts";
import { type Decision, type Kept, type Mapping, STRAY_ENDING_MS } from "./kept.ts";
import { afterLeaving, isIn } from "./seats.ts";

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
