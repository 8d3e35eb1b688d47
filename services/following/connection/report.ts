import type { Logger } from "../../support/log.ts";
import type { SessionEnd } from "../cometd/session_end.ts";
import type { ConnectionCounters } from "./counters.ts";
import type { Setbacks } from "./reconnecting.ts";

/** Tells the operator what becomes of one connection: each transition once, with its reason. */
export interface ConnectionReport {
  ended(end: SessionEnd, setbacks: Setbacks): void;
  /** Upstream turns the agent away; not told again at each probe that changes nothing. */
  refused(why: string, setbacks: Setbacks): void;
  probing(why: string): void;
  /** There are no credentials to come with. */
  waiting(why: string): void;
  live(): void;
}

export function createConnectionReport(
  { agentId, log, counters }: {
    readonly agentId: string;
    readonly log: Logger;
    readonly counters: Pick<
      ConnectionCounters,
      "sessionsLost" | "refusals" | "failures" | "stopped"
    >;
  },
): ConnectionReport {
  /** What has been told of last and is not over. */
  let told: string | null = null;

  function isNews(why: string): boolean {
    const isOther = why !== told;
    told = why;
    return isOther;
  }

  return {
    ended(end, { failures, refusals }) {
      switch (end.kind) {
        case "lost":
          counters.sessionsLost++;
          return log.info("subscriber.session_lost", { agentId, reason: end.why });
        case "refused":
          counters.refusals++;
          return log.debug("subscriber.turned_down", {
            agentId,
            reason: end.why,
            times: refusals,
          });
        case "failed": {
          counters.failures++;
          // One warning per outage: with hundreds of agents an upstream that is down would fill the log.
          const tell = failures === 1 ? log.warn : log.debug;
          return tell("subscriber.failed", { agentId, reason: end.why });
        }
        case "dismissed":
          counters.refusals++;
          return;
        case "csrf":
        case "unequipped":
        case "closed":
          return;
      }
    },
    refused(why, { refusals }) {
      if (!isNews(why)) return;
      counters.stopped++;
      log.error("subscriber.refused", { agentId, reason: why, tries: Math.max(1, refusals) });
    },
    probing: (why) => log.info("subscriber.probing", { agentId, reason: why }),
    waiting(why) {
      if (isNews(why)) log.info("subscriber.waiting", { agentId, reason: why });
    },
    live() {
      log.info("subscriber.live", { agentId, after: told ?? undefined });
      told = null;
    },
  };
}
