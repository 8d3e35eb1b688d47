import type { AgentChanges, FollowedUser } from "./followed_user.ts";
import {
  type Because,
  encodeSubscription,
  NO_MARKS,
  type Subscription,
  type SubscriptionMarks,
} from "./subscription.ts";

// What is decided about who follows whom, apart from what is done about it. All of it is pure.

/** An agent who has not been heard of for so long is not followed any more, as not everybody signs off. */
export const FOLLOW_MS = 24 * 60 * 60_000;
/**
 * An agent whom no instance follows, and who can only be followed with a token of its own, is left for so long to an
 * instance that has one: longer than it takes until all have looked.
 */
export const OWNERLESS_MS = 60_000;
/** A record is not written anew more often than this only to prolong its life. */
export const PROLONG_MS = 60 * 60_000;

/**
 * How often an instance that knows of no other looks for one; an instance that knows others looks at the end of each one's
 * lease instead. An agent whose instance began to follow just after a look, and died, is found by the next one.
 */
const LOOK_EVERY_MS = 25_000;
const LOOK_SPREAD_MS = 2_000;
/** A lease whose end has passed is about to be gone from the store. */
const LOOK_SOONEST_MS = 1_000;

/** An instance as others see it. */
export interface LivingInstance {
  readonly id: string;
  /** It is dead from then on, unless it renews its record before (Unix milliseconds). */
  readonly untilMs: number;
}

/** What a subscription's record is to become. */
export interface WantedRecord {
  readonly instance: string | null;
  readonly agents: ReadonlyMap<string, Because>;
  /** Null: nobody is left to be followed, and there is to be no record. */
  readonly text: string | null;
  readonly lifetimeMs: number;
}

/** The record after the changes, followed by `instance`, of which it says `marks`. */
export function wantedRecord(
  current: Pick<Subscription, "agents"> | null,
  changes: AgentChanges,
  instance: string | null,
  marks: SubscriptionMarks = NO_MARKS,
): WantedRecord {
  const agents = changedAgents(current?.agents ?? new Map(), changes);
  return {
    instance,
    agents,
    text: agents.size === 0 ? null : encodeSubscription({ ...marks, instance, agents }),
    lifetimeMs: instance === null ? OWNERLESS_MS : FOLLOW_MS,
  };
}

/** A record's agents after the changes; `login` outlives `accept`. */
export function changedAgents(
  agents: ReadonlyMap<string, Because>,
  { adds, removes }: AgentChanges,
): ReadonlyMap<string, Because> {
  const changed = new Map(agents);
  for (const [agentId, because] of adds) {
    if (changed.get(agentId) !== "login") changed.set(agentId, because);
  }
  for (const agentId of removes) changed.delete(agentId);
  return changed;
}

/**
 * Whether it is known that an agent is followed already, so that the store need not be asked. Where upstream has just let
 * the agent in (`isNews`) it always is, as another instance may have let the agent go.
 */
export function isFollowedAlready(
  { agents, isFollowed, writtenAtMs }: Pick<FollowedUser, "agents" | "isFollowed" | "writtenAtMs">,
  agentId: string,
  { because, isNews, nowMs }: {
    readonly because: Because;
    readonly isNews: boolean;
    readonly nowMs: number;
  },
): boolean {
  const known = agents.get(agentId);
  return !isNews && isFollowed && (known === "login" || known === because) &&
    nowMs - writtenAtMs < PROLONG_MS;
}

/** The subscriptions that nobody serves: their instance is gone, or is this one, which does not know of it. */
export function orphansAmong(
  subscriptions: readonly Subscription[],
  living: readonly LivingInstance[],
  ownId: string,
): readonly Subscription[] {
  const others = new Set(living.map(({ id }) => id).filter((id) => id !== ownId));
  return subscriptions.filter(({ instance }) => instance === null || !others.has(instance));
}

/** When to look for orphans next (Unix milliseconds). `random` gives numbers in [0, 1). */
export function nextLookAtMs(
  nowMs: number,
  others: readonly LivingInstance[],
  random: () => number,
): number {
  const idleAtMs = nowMs + LOOK_EVERY_MS - random() * LOOK_SPREAD_MS;
  const leaseEndsMs = others.map(({ untilMs }) =>
    Math.max(untilMs, nowMs + LOOK_SOONEST_MS) + random() * LOOK_SPREAD_MS
  );
  return Math.min(idleAtMs, ...leaseEndsMs);
}

/**
 * Whether the instance that follows goes on to: if it is alive, unless upstream turns the agent away from it and has just
 * let the agent in here. The same credentials may be good by now, and another token may be known here.
 */
export function keepsFollowing(
  { isRefused }: Pick<Subscription, "isRefused">,
  { isAlive, hasNews, canServe }: {
    readonly isAlive: boolean;
    readonly hasNews: boolean;
    readonly canServe: boolean;
  },
): boolean {
  return isAlive && !(isRefused && hasNews && canServe);
}
