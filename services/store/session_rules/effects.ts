import type { EffectOutcome, EffectRequest } from "../port/sessions.ts";
import { type Agents, type Decision, type Kept, type Mapping, STRAY_ENDING_MS } from "./kept.ts";
import { afterLeaving, freeSeat, hasStandIn, isIn, more, staying, without } from "./seats.ts";

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
