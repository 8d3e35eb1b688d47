import { createLruMap } from "../support/lru_map.ts";

/** A mapping's agents may be answered from memory for this long (DESIGN §6). */
export const OWNERSHIP_MEMORY_MS = 2_000;

/** From this age on what is remembered is asked for anew, beside the request that it serves. */
export const OWNERSHIP_AGING_MS = OWNERSHIP_MEMORY_MS / 2;

/**
 * And for this long while the store is away, if they were known when the outage began. The bound is on the outage: other
 * instances may have had the store back by then.
 */
export const OWNERSHIP_OUTAGE_MS = 10 * 60_000;

/** How many sessions are remembered; the least recently used one makes room. */
export const OWNERSHIP_MEMORY_SIZE = 10_000;

/**
 * Remembers for a moment who may operate a session, to spare the store a read per operation. It says only "yes":
 * an agent who is not remembered is looked up, so that an agent let in elsewhere is never turned away for being new.
 */
export interface OwnershipMemory {
  /** Whether the agent was holder or participant no longer than {@link OWNERSHIP_MEMORY_MS} ago. */
  isOwn(sessionId: string, agentId: string): boolean;
  /**
   * Whether what is remembered of the session is older than {@link OWNERSHIP_AGING_MS}. Whoever asks for it anew by then keeps an
   * agent at work known: an outage of the store finds knowledge of it that is young enough to go by.
   */
  isAging(sessionId: string): boolean;
  /**
   * Whether it was no longer than {@link OWNERSHIP_MEMORY_MS} before the store went away: what is older may have been
   * undone by another instance while the store still answered that one. Only for a caller whom the store has not answered.
   */
  wasOwn(sessionId: string, agentId: string): boolean;
  /** `asOfMs` is the moment before the store was asked, so that a slow answer is not remembered for longer. */
  remember(sessionId: string, agentIds: readonly string[], asOfMs: number): void;
  forget(sessionId: string): void;
  /** The store has answered: an outage, if there was one, is over. */
  storeAnswered(): void;
  /** The store, asked at `askedAtMs`, has not answered. The first such moment counts as the beginning of the outage. */
  storeFailed(askedAtMs: number): void;
}

/** The memory of one instance. `now` in Unix milliseconds. */
export function createOwnershipMemory(now: () => number): OwnershipMemory {
  const entries = createLruMap<string, { agentIds: ReadonlySet<string>; asOfMs: number }>(
    OWNERSHIP_MEMORY_SIZE,
  );
  let awaySinceMs: number | null = null;

  function isKnown(sessionId: string, agentId: string, asOfMs: number): boolean {
    const entry = entries.get(sessionId);
    return entry !== undefined && asOfMs < entry.asOfMs + OWNERSHIP_MEMORY_MS &&
      entry.agentIds.has(agentId);
  }

  return {
    isOwn: (sessionId, agentId) => isKnown(sessionId, agentId, now()),
    isAging(sessionId) {
      const entry = entries.get(sessionId);
      return entry !== undefined && now() >= entry.asOfMs + OWNERSHIP_AGING_MS;
    },
    wasOwn: (sessionId, agentId) =>
      awaySinceMs !== null && now() < awaySinceMs + OWNERSHIP_OUTAGE_MS &&
      isKnown(sessionId, agentId, awaySinceMs),
    remember(sessionId, agentIds, asOfMs) {
      entries.set(sessionId, { agentIds: new Set(agentIds), asOfMs });
    },
    forget: (sessionId) => entries.delete(sessionId),
    storeAnswered: () => void (awaySinceMs = null),
    storeFailed: (askedAtMs) => void (awaySinceMs ??= askedAtMs),
  };
}
