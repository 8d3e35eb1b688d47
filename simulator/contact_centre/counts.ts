/** How often something was asked for, refused requests included. */
export interface Counts {
  /** REST requests: everything but CometD. */
  readonly restCalls: number;
  readonly handshakes: number;
  readonly connects: number;
  readonly subscribes: number;
  readonly disconnects: number;
  /** Requests of any kind with credentials that were not good enough. */
  readonly refused: number;
}

/** Counts by agent. An agent is who the credentials name, whether or not they prove it. */
export interface Counters {
  add(agentId: string | null, what: keyof Counts): void;
  /** Of one agent, or of all and of nobody in particular. */
  counts(agentId?: string): Counts;
}

const NONE: Counts = {
  restCalls: 0,
  handshakes: 0,
  connects: 0,
  subscribes: 0,
  disconnects: 0,
  refused: 0,
};

export function createCounters(): Counters {
  const total = { ...NONE };
  const byAgent = new Map<string, Record<keyof Counts, number>>();
  return {
    add(agentId, what) {
      total[what]++;
      if (agentId === null) return;
      const own = byAgent.get(agentId) ?? { ...NONE };
      own[what]++;
      byAgent.set(agentId, own);
    },
    counts: (agentId) => ({ ...(agentId === undefined ? total : byAgent.get(agentId) ?? NONE) }),
  };
}
