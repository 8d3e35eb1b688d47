import type { NotificationCounters } from "../resync/notification_writer.ts";

/** What an instance's connections have done since it began. The numbers only grow. */
export interface ConnectionCounters extends NotificationCounters {
  /** Sessions that were established. */
  handshakes: number;
  /** Sessions that upstream forgot, ended or wanted anew. */
  sessionsLost: number;
  /** Exchanges that failed, answers that were no Bayeux included. */
  failures: number;
  /** Members of answers that were no messages. */
  malformed: number;
  /** Sessions and handshakes turned down for the credentials, or with the advice not to come back. */
  refusals: number;
  /** Times that an agent was turned away so clearly that upstream is only probed. */
  stopped: number;
  resyncs: number;
  /** Resyncs that upstream would not answer. */
  resyncsGivenUp: number;
  /** Buffers that ran full while the store was away. */
  overflows: number;
}
