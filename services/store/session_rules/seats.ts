import type { Agents, Claim, Mapping } from "./kept.ts";

/** At most so many seats of a session are kept: those that end last. */
export const SEATS_KEPT = 100;

export function isIn({ agents }: Mapping, agentId: string): boolean {
  return agents.some((agent) => agent.agentId === agentId);
}

/**
 * The seat that the next Accept takes, by its end: a holder's place first, then the one that ends first; undefined where none
 * is open, or others' Accepts are under way for each of them. `plain`: of those that are no holder's place.
 */
export function freeSeat(
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

export function isHoldersPlace({ agents }: Mapping, seatUntilMs: number): boolean {
  return agents[0].standsInUntil === seatUntilMs;
}

/**
 * Whether the first agent only stands in for a holder whose Transfer nobody has accepted yet. Once that seat is gone, the
 * first agent is the holder for good.
 */
export function hasStandIn(mapping: Mapping): boolean {
  return mapping.seats.some((untilMs) => isHoldersPlace(mapping, untilMs));
}

/** The seats with one more; those that have closed are forgotten. */
export function more({ seats }: Mapping, untilMs: number, nowMs: number): readonly number[] {
  const open = seats.filter((each) => each > nowMs);
  return [...open, untilMs].sort((a, b) => a - b).slice(-SEATS_KEPT);
}

/** The seats without one that ends then. */
export function without(
  seats: readonly number[],
  untilMs: number | null | undefined,
): readonly number[] {
  const at = seats.findIndex((each) => each === untilMs);
  return at === -1 ? seats : seats.toSpliced(at, 1);
}

/** Who is in it once the agent has left; null when nobody is left. Whoever comes first now stands in for the same place. */
export function afterLeaving(mapping: Mapping, agentId: string): Agents | null {
  const left = staying(mapping, agentId);
  const [{ standsInUntil }] = mapping.agents;
  if (left === null || standsInUntil === undefined || !hasStandIn(mapping)) return left;
  const [first, ...others] = left;
  return [{ ...first, standsInUntil }, ...others];
}

/** Who stays once the agent is gone; null when nobody is left. */
export function staying({ agents }: Mapping, agentId: string): Agents | null {
  const [holder, ...participants] = agents.filter((agent) => agent.agentId !== agentId);
  return holder === undefined ? null : [holder, ...participants];
}
