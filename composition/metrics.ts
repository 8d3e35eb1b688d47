import type { Metric } from "../services/support/metrics.ts";
import type { Subscriber } from "../services/following/subscriber.ts";
import { createCounters, type SubscriberCounters } from "../services/following/counters.ts";
import type { Sms } from "./sms.ts";

/** What is told of each counter, and under which name: `patchbay_cometd_{…}_total`. */
const COMETD_COUNTERS: Readonly<Record<keyof SubscriberCounters, readonly [string, string]>> = {
  handshakes: ["handshakes", "CometD sessions that were established"],
  sessionsLost: ["sessions_lost", "CometD sessions that upstream forgot, ended or wanted anew"],
  failures: ["failures", "Exchanges with upstream's CometD that failed"],
  malformed: [
    "malformed_messages",
    "Members of CometD answers that were no messages, or could be read in two ways",
  ],
  refusals: [
    "refusals",
    "CometD sessions and handshakes turned down for the credentials, or advised not to come back",
  ],
  stopped: ["agents_stopped", "Times that an agent was turned away and is only probed for since"],
  notifications: ["notifications", "Notifications heard by CometD, duplicates included"],
  ignored: ["ignored_messages", "CometD messages that tell of no session"],
  unwritten: ["unwritten_notifications", "Notifications that could not be stored at all"],
  resyncs: ["resyncs", "Times that upstream was asked for what had been missed"],
  resyncsGivenUp: ["resyncs_given_up", "Resyncs that upstream would not answer"],
  departures: ["departures", "Mappings that ended because upstream showed the agent to be out"],
  overflows: ["overflows", "Buffers that ran full while the store was away"],
  takeOvers: ["take_overs", "Agents taken over from an instance that is gone"],
  leasesLost: ["leases_lost", "Times that the lease ran out under this instance"],
  tokensExpired: ["tokens_expired", "Agents followed no longer until they come with a new token"],
};

const COUNTERS = Object.keys(createCounters()) as (keyof SubscriberCounters)[];

/** What this instance tells of itself. */
export function composeMetrics(subscriber: Subscriber | null, sms: Sms | null): Metric[] {
  return [
    { name: "patchbay_up", help: "1 while it answers", kind: "gauge", read: () => 1 },
    ...subscriber === null ? [] : cometdMetrics(subscriber),
    ...sms === null ? [] : [smsStopped(sms)],
  ];
}

function cometdMetrics(subscriber: Subscriber): Metric[] {
  const counters = COUNTERS.map((counter): Metric => ({
    name: `patchbay_cometd_${COMETD_COUNTERS[counter][0]}_total`,
    help: COMETD_COUNTERS[counter][1],
    kind: "counter",
    read: () => subscriber.state.counters[counter],
  }));
  return [
    {
      name: "patchbay_cometd_connections",
      help: "CometD connections that this instance is to keep",
      kind: "gauge",
      read: () => subscriber.state.following,
    },
    {
      name: "patchbay_cometd_connections_live",
      help: "Those of them that hear what is published now",
      kind: "gauge",
      read: () => subscriber.state.live,
    },
    {
      name: "patchbay_cometd_agents_refused",
      help: "Agents whom upstream turns away at present",
      kind: "gauge",
      read: () => subscriber.state.refused.length,
    },
    {
      name: "patchbay_cometd_agents_deaf",
      help:
        "Agents of whom nothing has been heard for a minute, though upstream does not turn them away",
      kind: "gauge",
      read: () => subscriber.state.deaf.length,
    },
    {
      name: "patchbay_cometd_agents_waiting",
      help: "Agents who are followed once they leave credentials",
      kind: "gauge",
      read: () => subscriber.state.waiting.length,
    },
    ...counters,
  ];
}

function smsStopped(sms: Sms): Metric {
  return {
    name: "patchbay_sms_stopped",
    help: `1 while no text is sent, because ${sms.providerName} refuses the account`,
    kind: "gauge",
    read: () => Object.keys(sms.degraded()).length,
  };
}
