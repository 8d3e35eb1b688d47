import type { Clock } from "../../support/clock.ts";
import { inBatches } from "../../support/in_batches.ts";
import type { Logger } from "../../support/log.ts";
import { FOLLOW_MS, nextLookAtMs, orphansAmong, OWNERLESS_MS, PROLONG_MS } from "./decisions.ts";
import { type FollowedUser, isDirty } from "./followed_user.ts";
import type { Ownership } from "./ownership.ts";
import { encodeSubscription, type Subscription } from "./subscription.ts";
import { COMMANDS_AT_ONCE, type SubscriptionRecords } from "./subscription_records.ts";

/**
 * Looks at everybody's subscriptions from time to time, as no message comes when an instance dies or lets an agent go.
 */
export interface OrphanWatch {
  /** When the next look is due (Unix milliseconds). */
  readonly dueAtMs: number;
  /** Finds out what has become of this instance's own, and takes over what nobody serves. Throws `StoreUnavailable`. */
  look(): Promise<void>;
}

export interface OrphanWatchOptions {
  readonly subscriptionRecords: SubscriptionRecords;
  readonly instanceId: string;
  readonly ownership: Ownership;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  /** Whether this instance has what it takes to follow: credentials. */
  readonly canServe: (key: string) => boolean;
  readonly isBusy: (user: FollowedUser) => boolean;
  /** To be called before anything is owned. */
  readonly keepLease: () => Promise<void>;
  /** This instance has written itself into an orphan's record. */
  readonly onTakenOver: (key: string, from: string | null) => void;
  /** The user's record is to be written anew. */
  readonly onDue: (user: FollowedUser) => void;
}

/** Another instance was ahead at a take-over: the next look is due so soon. */
const LOOK_AGAIN_MS = 1_000;
/** Upstream takes 40 handshakes a second, and the last agent of a take-over waits 5 s. */
const START_EVERY_MS = 25;
const LONGEST_START_MS = 5_000;

/** The first look is due at once. */
export function createOrphanWatch(options: OrphanWatchOptions): OrphanWatch {
  const { subscriptionRecords, instanceId, ownership, clock, random, log, canServe } = options;
  let dueAtMs = -Infinity;

  async function look(): Promise<void> {
    const subscriptions = await subscriptionRecords.subscriptions();
    const byKey = new Map(subscriptions.map((each) => [each.key, each]));
    for (const user of ownership.owned()) checkOwn(user, byKey.get(user.key) ?? null);

    const others = subscriptions.filter(({ key }) => ownership.users.get(key)?.isOwned !== true);
    const hasOwners = others.some(({ instance }) => instance !== null && instance !== instanceId);
    const living = hasOwners ? await subscriptionRecords.instances() : [];
    const orphans = orphansAmong(others, living, instanceId);
    const servable = orphans.filter(({ key }) => canServe(key));
    const isContested = await takeOverAll(servable);
    await inBatches(orphans.filter(({ key }) => !canServe(key)), COMMANDS_AT_ONCE, leaveToOthers);

    for (const user of [...ownership.users.values()]) refresh(user, byKey.get(user.key));
    // The instance that was ahead may have been one that cannot follow either.
    dueAtMs = isContested
      ? clock.now() + LOOK_AGAIN_MS
      : nextLookAtMs(clock.now(), living.filter(({ id }) => id !== instanceId), random);
  }

  function checkOwn(user: FollowedUser, record: Subscription | null): void {
    if (isDirty(user)) return;
    ownership.adoptRead(user, record);
    const isOld = clock.now() - user.writtenAtMs > FOLLOW_MS - PROLONG_MS;
    const isMarked = record !== null && record.hasOtherCredentials;
    if (user.isOwned && (isMarked || isOld && options.isBusy(user))) options.onDue(user);
  }

  /** True: another instance was ahead at one of them. */
  async function takeOverAll(orphans: readonly Subscription[]): Promise<boolean> {
    if (orphans.length > 0) await options.keepLease();
    const spreadMs = Math.min(LONGEST_START_MS, orphans.length * START_EVERY_MS);
    let isContested = false;
    await inBatches(orphans, COMMANDS_AT_ONCE, async (orphan) => {
      if (!await takeOver(orphan, random() * spreadMs)) isContested = true;
    });
    return isContested;
  }

  /** False: another instance was ahead. */
  async function takeOver(orphan: Subscription, startAfterMs: number): Promise<boolean> {
    const { key, text: before, agents, instance: from } = orphan;
    const text = encodeSubscription({ instance: instanceId, agents });
    if (!await subscriptionRecords.write(key, before, text)) return false;
    options.onTakenOver(key, from);
    const record = { instance: instanceId, agents, text };
    ownership.adoptWritten(ownership.user(key), record, startAfterMs);
    return true;
  }

  /**
   * Only an instance that saw the agent's token can take over: another one, or the one to which the agent's next request
   * comes.
   */
  async function leaveToOthers({ key, text, agents, instance }: Subscription): Promise<void> {
    if (instance === null) return;
    const ownerless = encodeSubscription({ instance: null, agents });
    if (await subscriptionRecords.write(key, text, ownerless, OWNERLESS_MS)) {
      log.warn("subscriber.not_taken_over", { key, reason: "no token of the agent" });
    }
  }

  /** Brings what this instance remembers of an agent whom another one follows to what the record says, or forgets it. */
  function refresh(user: FollowedUser, record: Subscription | undefined): void {
    if (user.isOwned || isDirty(user)) return;
    // A user without a token is remembered only to spare the store questions.
    const isOld = clock.now() - user.writtenAtMs > PROLONG_MS;
    if (record === undefined || (isOld && user.token === null)) return ownership.forget(user);
    user.agents = record.agents;
    user.isFollowed = record.instance !== null;
  }

  return {
    get dueAtMs() {
      return dueAtMs;
    },
    look,
  };
}
