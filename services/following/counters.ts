import type { AssignmentCounters } from "./assignment/assignments.ts";
import type { ConnectionCounters } from "./connection/counters.ts";

/** What a subscriber has done since it began. The numbers only grow. */
export interface SubscriberCounters extends ConnectionCounters, AssignmentCounters {
  /** Agents followed no longer because their token has ended; the agent's next request brings another (mode `forward`). */
  tokensExpired: number;
}

export function createCounters(): SubscriberCounters {
  return {
    handshakes: 0,
    sessionsLost: 0,
    failures: 0,
    malformed: 0,
    refusals: 0,
    stopped: 0,
    notifications: 0,
    ignored: 0,
    unwritten: 0,
    resyncs: 0,
    resyncsGivenUp: 0,
    departures: 0,
    overflows: 0,
    takeOvers: 0,
    leasesLost: 0,
    tokensExpired: 0,
  };
}
