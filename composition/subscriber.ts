import type { Config } from "../services/config/config.ts";
import type { Ids } from "../services/support/ids.ts";
import type { Publisher } from "../services/events/publisher.ts";
import {
  type AgentAtWork,
  UNNOTICED,
  type WorkSignals,
} from "../services/sessions/work_signals.ts";
import type { Store } from "../services/store/port/store.ts";
import type { Following, Subscriber } from "../services/following/subscriber.ts";
import { describeTrouble } from "../services/following/trouble.ts";
import type { Environment } from "./environment.ts";
import type { UpstreamParts } from "./upstream.ts";

export interface SubscriberParts extends Pick<UpstreamParts, "upstream" | "credentials" | "links"> {
  readonly store: Store;
  readonly publisher: Publisher;
  readonly ids: Ids;
}

/** Builds what follows upstream's notifications; null, without loading a CometD client, where `SUBSCRIBE` is off. */
export async function composeSubscriber(
  { subscribe, upstream: { url, auth } }: Config,
  { clock, random, log, fetch }: Environment,
  parts: SubscriberParts,
): Promise<Subscriber | null> {
  if (subscribe === null) return null;
  const { createSubscriber } = await import("../services/following/subscriber.ts");
  return await createSubscriber({
    ...subscribe,
    ...parts,
    upstreamUrl: url,
    mode: auth.mode,
    clock,
    random,
    log,
    fetch,
  });
}

/** Has agents followed who sign in, until they sign off, and agents who work in a session. */
export function workSignalsTo(subscriber: Subscriber | null): WorkSignals {
  if (subscriber === null) return UNNOTICED;
  const follow = (
    { agentId, authorization, authorizationExpiresAtMs }: AgentAtWork,
    why: Pick<Following, "because" | "isNews">,
  ) => subscriber.follow({ agentId, ...why, authorization, authorizationExpiresAtMs });
  return {
    signedIn: (agent) => follow(agent, { because: "login", isNews: true }),
    signedOff: (agentId) => subscriber.unfollow(agentId),
    accepted: (agent) => follow(agent, { because: "accept", isNews: true }),
    working: (agent) => follow(agent, { because: "accept", isNews: false }),
  };
}

/** What readiness tells of following; nothing while everybody is heard. */
export function degradedFollowing(subscriber: Subscriber | null): Record<string, string> {
  const trouble = subscriber === null ? null : describeTrouble(subscriber.state);
  return trouble === null ? {} : { following: trouble };
}
