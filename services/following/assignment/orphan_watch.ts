import type { Clock } from "../../support/clock.ts";
import type { Logger } from "../../support/log.ts";
import { type Account, isDirty } from "./followed_user.ts";
import { inParts } from "../../support/in_batches.ts";
import { FOLLOW_MS, type Roll } from "./subscription_records.ts";
import {
  encodeSubscription,
  type LivingInstance,
  orphansAmong,
  type Subscription,
} from "./subscription.ts";

/** Looks at everybody's subscriptions from time to time, as nobody tells when an instance dies or lets an agent go. */
export interface Lookout {
  /** When the next look is due (Unix milliseconds). */
  readonly dueAtMs: number;
  /** What has become of this instance's own, and which nobody serves. Throws `StoreUnavailable`. */
  look(): Promise<void>;
}

export interface LookoutOptions {
  readonly roll: Roll;
  readonly instanceId: string;
  readonly accounts: ReadonlyMap<string, Account>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Whether this instance has what it takes to follow: credentials. */
  readonly canServe: (key: string) => boolean;
  readonly isBusy: (account: Account) => boolean;
  /** To be called before anything is owned. */
  readonly keepLease: () => Promise<void>;
  /** An account of this instance's own is as its record says now; null: there is none any more. */
  readonly onOwn: (account: Account, record: Subscription | null) => void;
  /** It is not worth remembering any more. */
  readonly onForgotten: (account: Account) => void;
  /** This instance has written itself into an orphan's record, which is now this. */
  readonly onTakenOver: (record: Subscription, from: string | null, startAfterMs: number) => void;
  /** The account's record is to be written anew. */
  readonly onDue: (account: Account) => void;
}

/** A record is not written anew more often than this only to prolong its life. */
export const PROLONG_MS = 60 * 60_000;
/**
 * So long an agent whom nobody follows, and who can only be followed with a token of its own, is left for an instance that
 * has one: longer than it takes until all have looked.
 */
export const OWNERLESS_MS = 60_000;
/**
 * How often an instance that knows of no other looks for one; with others about, at the end of each one's lease instead. An
 * agent whose instance began to follow just after a look, and died, is found by the next one.
 */
const LOOK_EVERY_MS = 25_000;
const LOOK_SPREAD_MS = 2_000;
const LOOK_AGAIN_MS = 1_000;
/** Upstream takes 40 handshakes a second, and the last waits 5 s. */
const START_EVERY_MS = 25;
const LONGEST_START_MS = 5_000;

/** The first look is due at once. */
export function createLookout(options: LookoutOptions): Lookout {
  const { roll, instanceId, accounts, clock, random, log, canServe } = options;
  let dueAtMs = -Infinity;

  async function look(): Promise<void> {
    const subscriptions = await roll.subscriptions();
    const byKey = new Map(subscriptions.map((each) => [each.key, each]));
    for (const account of [...accounts.values()]) {
      if (account.isOwned) checkOwn(account, byKey.get(account.key) ?? null);
    }

    const others = subscriptions.filter(({ key }) => accounts.get(key)?.isOwned !== true);
    const hasOwners = others.some(({ instance }) => instance !== null && instance !== instanceId);
    const living = hasOwners ? await roll.instances() : [];
    const orphans = orphansAmong(others, living, instanceId);
    const servable = orphans.filter(({ key }) => canServe(key));
    if (servable.length > 0) await options.keepLease();
    const spreadMs = Math.min(LONGEST_START_MS, servable.length * START_EVERY_MS);
    let isContested = false;
    await inParts(servable, async (orphan) => {
      if (!await takeOver(orphan, random() * spreadMs)) isContested = true;
    });
    await inParts(orphans.filter(({ key }) => !canServe(key)), leaveToOthers);

    for (const account of [...accounts.values()]) remember(account, byKey.get(account.key));
    // Whoever was ahead may have been one that cannot follow either.
    dueAtMs = isContested
      ? clock.now() + LOOK_AGAIN_MS
      : nextLook(living.filter(({ id }) => id !== instanceId));
  }

  function checkOwn(account: Account, record: Subscription | null): void {
    if (isDirty(account)) return;
    const { writtenAtMs } = account;
    options.onOwn(account, record);
    const isOld = clock.now() - writtenAtMs > FOLLOW_MS - PROLONG_MS;
    if (account.isOwned && isOld && options.isBusy(account)) options.onDue(account);
  }

  /** False: another instance was ahead. */
  async function takeOver(orphan: Subscription, startAfterMs: number): Promise<boolean> {
    const { key, text: before, agents, instance: from } = orphan;
    const text = encodeSubscription({ instance: instanceId, agents });
    if (!await roll.write(key, before, text)) return false;
    options.onTakenOver({ key, instance: instanceId, agents, text }, from, startAfterMs);
    return true;
  }

  /** Only who saw the agent's token could take over: another instance, or the one that the agent's next request comes to. */
  async function leaveToOthers({ key, text, agents, instance }: Subscription): Promise<void> {
    if (instance === null) return;
    const ownerless = encodeSubscription({ instance: null, agents });
    if (await roll.write(key, text, ownerless, OWNERLESS_MS)) {
      log.warn("subscriber.not_taken_over", { key, reason: "no token of the agent" });
    }
  }

  /** What this instance remembers of an agent whom another one follows: as the record says, and no longer than it says so. */
  function remember(account: Account, record: Subscription | undefined): void {
    if (account.isOwned || isDirty(account)) return;
    // Unless it lives by a token, it is kept only to spare the store questions.
    const isOld = clock.now() - account.writtenAtMs > PROLONG_MS;
    if (record === undefined || (isOld && account.credential === null)) {
      return options.onForgotten(account);
    }
    account.agents = record.agents;
    account.isFollowed = record.instance !== null;
  }

  function nextLook(others: readonly LivingInstance[]): number {
    const nowMs = clock.now();
    const idleAtMs = nowMs + LOOK_EVERY_MS - random() * LOOK_SPREAD_MS;
    const endsMs = others.map(({ untilMs }) =>
      Math.max(untilMs, nowMs + 1_000) + random() * LOOK_SPREAD_MS
    );
    return Math.min(idleAtMs, ...endsMs);
  }

  return {
    get dueAtMs() {
      return dueAtMs;
    },
    look,
  };
}
