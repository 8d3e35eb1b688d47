import { StoreUnavailable } from "../errors.ts";
import type { SessionStore } from "../store/port/sessions.ts";
import type { Clock } from "../support/clock.ts";
import type { Logger } from "../support/log.ts";
import type { OwnershipMemory } from "./ownership_memory.ts";
import type { SessionCall } from "./session_call.ts";

/**
 * What an agent is to a session. `own`: holder or participant. `invited`: neither, but a seat is open; for whom it is upstream
 * alone knows. `unmapped`: there is no mapping, and no other agent's Accept is under way or in doubt. `outsider`: the
 * session is another's.
 */
export type Standing = "own" | "invited" | "unmapped" | "outsider";

export interface StandingDependencies {
  readonly store: Pick<SessionStore, "readSession" | "claimantOf">;
  readonly ownership: OwnershipMemory;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Tells standings. Throws `StoreUnavailable` where the store had to be asked and was down. */
export function createStandings(
  { store, ownership, clock, log }: StandingDependencies,
): (call: Pick<SessionCall, "agentId" | "sessionId">) => Promise<Standing> {
  const refreshing = new Set<string>();

  async function ask(sessionId: string, agentId: string, nowMs: number): Promise<Standing> {
    const session = await store.readSession(sessionId, { nowMs, slide: agentId });
    if (session === null) {
      const claimant = await store.claimantOf(sessionId, nowMs);
      ownership.storeAnswered();
      return claimant === null || claimant === agentId ? "unmapped" : "outsider";
    }
    ownership.storeAnswered();
    const agentIds = [session.agentId, ...session.participants.map(({ agentId }) => agentId)];
    ownership.remember(sessionId, agentIds, nowMs);
    if (agentIds.includes(agentId)) return "own";
    return session.seatsUntilMs.some((untilMs) => untilMs > nowMs) ? "invited" : "outsider";
  }

  /** Asks anew beside a request that is served from memory; while the store is away it only notes that it is. */
  async function refresh(sessionId: string, agentId: string): Promise<void> {
    if (refreshing.has(sessionId)) return;
    refreshing.add(sessionId);
    const nowMs = clock.now();
    try {
      if (await ask(sessionId, agentId, nowMs) !== "own") ownership.forget(sessionId);
    } catch (error) {
      if (error instanceof StoreUnavailable) ownership.storeFailed(nowMs);
      else log.error("session.refresh_failed", { sessionId, error: String(error) });
    } finally {
      refreshing.delete(sessionId);
    }
  }

  return async ({ agentId, sessionId }) => {
    if (ownership.isOwn(sessionId, agentId)) {
      if (ownership.isAging(sessionId)) void refresh(sessionId, agentId);
      return "own";
    }
    const nowMs = clock.now();
    try {
      return await ask(sessionId, agentId, nowMs);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      ownership.storeFailed(nowMs);
      // An outage ends no conversation of an agent who was in it when the outage began.
      if (!ownership.wasOwn(sessionId, agentId)) throw error;
      log.debug("session.known_from_memory", { sessionId, agentId });
      return "own";
    }
  };
}
