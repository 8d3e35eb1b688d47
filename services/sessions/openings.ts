/**
 * Operations under way at this instance that may open a session for another agent. Upstream acts before it answers, and may
 * have told that agent by then.
 */
export interface Openings {
  /** An operation on the session that may open it. */
  track<T>(sessionId: string, work: Promise<T>): Promise<T>;
  /** Resolves once all that are under way now are over; false at once: there is none. */
  over(sessionId: string): Promise<boolean>;
}

export function createOpenings(): Openings {
  const underWay = new Map<string, Set<Promise<void>>>();
  return {
    track(sessionId, work) {
      const all = underWay.get(sessionId) ?? new Set<Promise<void>>();
      const ended: Promise<void> = work.then(() => {}, () => {}).finally(() => {
        all.delete(ended);
        if (all.size === 0) underWay.delete(sessionId);
      });
      underWay.set(sessionId, all.add(ended));
      return work;
    },
    async over(sessionId) {
      const all = underWay.get(sessionId);
      if (all === undefined) return false;
      await Promise.all(all);
      return true;
    },
  };
}
