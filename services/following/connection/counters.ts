/** What a subscriber has done since it began. They only grow. */
export interface SubscriberCounters {
  /** Sessions that were established. */
  handshakes: number;
  /** Sessions that upstream forgot or wanted anew. */
  sessionsLost: number;
  /** Exchanges that failed, answers that were no Bayeux included. */
  failures: number;
  /** Members of answers that were no messages. */
  malformed: number;
  /** Handshakes turned down for the credentials. */
  refusals: number;
  /** Agents given up because of that, or because upstream said so. */
  stopped: number;
  /** Notifications that were read and published, duplicates included. */
  notifications: number;
  /** Messages without a session, or not readable as a notification. */
  ignored: number;
  /** Notifications that could not be written for a reason that repeating does not change. */
  unwritten: number;
  resyncs: number;
  /** Resyncs that upstream would not answer. */
  resyncsGivenUp: number;
  /** Mappings that ended because upstream said, or showed, that the agent is out. */
  departures: number;
  /** Buffers that ran full while the store was away. */
  overflows: number;
  /** Agents taken over from an instance that is gone. */
  takeOvers: number;
  /** Times that the lease ran out under this instance. */
  leasesLost: number;
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
  };
}
