import { StoreUnavailable } from "../../errors.ts";
import type { RecordStore } from "../../store/port/records.ts";
import type { Clock } from "../../support/clock.ts";
import { inBatches } from "../../support/in_batches.ts";
import type { Logger } from "../../support/log.ts";
import { createSinglePass } from "../../support/single_pass.ts";
import {
  FOLLOW_MS,
  isFollowedAlready,
  keepsFollowing,
  OWNERLESS_MS,
  wantedRecord,
} from "./decisions.ts";
import { type AgentChanges, type FollowedUser, isDirty } from "./followed_user.ts";
import { createLease, type LeaseTimes } from "./lease.ts";
import { createOrphanWatch } from "./orphan_watch.ts";
import { createOwnership } from "./ownership.ts";
import {
  type Because,
  decodeSubscription,
  encodeSubscription,
  NO_MARKS,
  type Subscription,
} from "./subscription.ts";
import { COMMANDS_AT_ONCE, createSubscriptionRecords } from "./subscription_records.ts";

/** Who follows whom, agreed upon with the other instances through the store. */
export interface Assignments {
  /** Looks for agents whom nobody follows, now and from then on. */
  start(): void;
  /** The user, made if need be; it is only kept if something is asked of it. */
  user(key: string): FollowedUser;
  readonly users: ReadonlyMap<string, FollowedUser>;
  /**
   * The agent is to be followed. `isNews`: upstream has just let it in or given it a session, so the record is looked at
   * whatever this instance remembers of it, as another instance may have let the agent go.
   */
  add(
    user: FollowedUser,
    agentId: string,
    because: Because,
    how: { readonly isNews: boolean },
  ): void;
  remove(user: FollowedUser, agentId: string): void;
  /** Upstream turns the user away, or does no longer: other instances are told. */
  setRefused(user: FollowedUser, isRefused: boolean): void;
  /** This instance has no longer what it takes to follow: it stops at once, and another one may follow. */
  dismiss(user: FollowedUser): void;
  /**
   * The agent's credentials are others than before, or gone: marks the record for the instance that follows, which finds the
   * mark when it looks at the records next. Throws `StoreUnavailable`.
   */
  announceCredentials(key: string): Promise<void>;
  /** Whether this instance may still act for the users that it owns. */
  leaseHolds(): boolean;
  /** Gives everything back for others to take. */
  stop(): Promise<void>;
}

/** What became of assignments. The numbers only grow. */
export interface AssignmentCounters {
  /** Agents taken over from an instance that is gone. */
  takeOvers: number;
  /** Times that the lease ran out under this instance. */
  leasesLost: number;
}

export interface AssignmentsOptions {
  readonly records: RecordStore;
  readonly instanceId: string;
  readonly times: LeaseTimes;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  readonly counters: AssignmentCounters;
  /** Whether this instance has what it takes to follow: credentials. */
  readonly canServe: (key: string) => boolean;
  /** This instance follows from now on; `startAfterMs` spreads many that come at once. */
  readonly onOwned: (user: FollowedUser, startAfterMs: number) => void;
  readonly onReleased: (user: FollowedUser) => void;
  /** Another instance has marked the record of a user that this one follows. */
  readonly onOtherCredentials: (user: FollowedUser) => void;
  /** Whether the user has sessions open, so that its record must not lapse. */
  readonly isBusy: (user: FollowedUser) => boolean;
}

const MAX_TRIES = 5;

/**
 * Everything is done by passes, never two at a time. A pass writes what is wished for into the records, looks for orphans
 * when that is due, and keeps the lease for as long as anything is owned.
 */
export function createAssignments(options: AssignmentsOptions): Assignments {
  const { records, instanceId, clock, log, counters } = options;
  const subscriptionRecords = createSubscriptionRecords({ records, clock });
  let isStopped = false;
  let renewing: Promise<void> | null = null;

  const passes = createSinglePass({
    ...options,
    pass,
    nextAtMs: () => Math.min(orphanWatch.dueAtMs, lease.renewAtMs ?? Infinity),
    onFailing: (error) => log.warn("subscriber.roster_failed", { error: String(error) }),
  });
  const lease = createLease({
    ...options,
    onLost() {
      const owned = ownership.owned();
      counters.leasesLost++;
      log.warn("subscriber.lease_lost", { following: owned.length });
      for (const user of owned) {
        ownership.release(user);
        user.isDue = true;
      }
      passes.wake();
    },
  });
  const ownership = createOwnership({ ...options, leaseHolds: lease.holds });
  const orphanWatch = createOrphanWatch({
    ...options,
    subscriptionRecords,
    ownership,
    keepLease,
    onTakenOver: noteTakeOver,
    onDue(user) {
      user.isDue = true;
      passes.wake();
    },
  });

  async function pass(): Promise<void> {
    if (ownership.owned().length > 0) await keepLease();
    await inBatches([...ownership.users.values()].filter(isDirty), COMMANDS_AT_ONCE, settle);
    if (clock.now() >= orphanWatch.dueAtMs) await orphanWatch.look();
    if (lease.renewAtMs !== null && ownership.owned().length === 0) await lease.end();
  }

  /** To be called before anything is owned by it. */
  async function keepLease(): Promise<void> {
    const { renewAtMs } = lease;
    if (renewAtMs !== null && clock.now() < renewAtMs && lease.holds()) return;
    renewing ??= lease.renew().finally(() => renewing = null);
    await renewing;
  }

  /** Makes the record what this instance wants it to be, unless another instance is ahead. */
  async function settle(user: FollowedUser): Promise<void> {
    const { key } = user;
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const changes = { adds: new Map(user.adds), removes: new Set(user.removes) };
      const text = user.isOwned && tries === 0 ? user.text : await subscriptionRecords.read(key);
      const current = text === null ? null : decodeSubscription(key, text);
      if (text !== null && current === null) {
        log.error("subscriber.unreadable", { key });
        return ownership.forget(user);
      }
      // Taken over by another instance.
      if (current !== null && current.instance !== instanceId) ownership.release(user);
      const instance = await followerOf(user, current);
      const isOurs = instance === instanceId;
      // What a record says of an instance holds for as long as that one follows.
      const told = current?.instance === instance ? current : NO_MARKS;
      const isMarked = told.hasOtherCredentials;
      const marks = isOurs ? { ...NO_MARKS, isRefused: user.isOwned && user.isRefused } : told;
      const wanted = wantedRecord(current, changes, instance, marks);
      if (isOurs && wanted.text !== null) await keepLease();
      // After a lost reply the record may be gone as wanted already.
      const isDone = text === null && wanted.text === null ||
        await subscriptionRecords.write(key, text, wanted.text, wanted.lifetimeMs);
      if (isDone) {
        noteDone(user, changes);
        const before = current?.instance ?? instanceId;
        if (isOurs && before !== instanceId) noteTakeOver(key, before);
        ownership.adoptWritten(user, wanted, 0);
        if (isMarked && isOurs) options.onOtherCredentials(user);
        return;
      }
      // Another instance has asked for something, too, or has taken over: what the record says now decides.
    }
    throw new StoreUnavailable("agree on who follows an agent");
  }

  /** The changes are in the record. What was asked for while it was written is still to be done. */
  function noteDone(user: FollowedUser, { adds, removes }: AgentChanges): void {
    for (const [agentId, because] of adds) {
      if (user.adds.get(agentId) === because) user.adds.delete(agentId);
    }
    for (const agentId of removes) user.removes.delete(agentId);
    user.isDue = false;
    user.hasNews = false;
  }

  async function announceCredentials(key: string): Promise<void> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const text = await subscriptionRecords.read(key);
      const current = text === null ? null : decodeSubscription(key, text);
      if (current === null || current.instance === null || current.hasOtherCredentials) return;
      const marked = encodeSubscription({ ...current, hasOtherCredentials: true });
      if (await subscriptionRecords.write(key, text, marked)) return;
    }
    throw new StoreUnavailable("tell who follows an agent of other credentials");
  }

  /** Who is to follow: the instance that does if it is to go on, else this one if it can. */
  async function followerOf(
    { key, hasNews }: FollowedUser,
    current: Subscription | null,
  ): Promise<string | null> {
    const canServe = options.canServe(key);
    const other = current?.instance ?? null;
    if (current !== null && other !== null && other !== instanceId) {
      const isAlive = await subscriptionRecords.isAlive(other);
      if (keepsFollowing(current, { isAlive, hasNews, canServe })) return other;
    }
    return canServe ? instanceId : null;
  }

  function noteTakeOver(key: string, from: string | null): void {
    counters.takeOvers++;
    log.info("subscriber.taken_over", { key, from });
  }

  async function stop(): Promise<void> {
    if (isStopped) return;
    isStopped = true;
    await passes.stop();
    const given = ownership.owned().map((user) => ({ user, text: user.text }));
    for (const { user } of given) ownership.release(user);
    lease.dispose();
    if (given.length === 0) return;
    try {
      await inBatches(given, COMMANDS_AT_ONCE, ({ user, text }) => giveBack(user, text));
      await lease.end();
    } catch (error) {
      // The lease lapses, and the others find out by themselves.
      log.warn("subscriber.not_given_back", { error: String(error) });
    }
  }

  /**
   * Leaves the agents to whichever instance is first. Where that takes a token, the record lives only until all instances
   * that may have one have looked.
   */
  async function giveBack({ key, agents, token }: FollowedUser, text: string | null) {
    const ownerless = encodeSubscription({ instance: null, agents });
    const lifetimeMs = token === null ? FOLLOW_MS : OWNERLESS_MS;
    await subscriptionRecords.write(key, text, ownerless, lifetimeMs);
  }

  return {
    users: ownership.users,
    start: passes.start,
    user: ownership.user,
    add(user, agentId, because, { isNews }) {
      ownership.remember(user);
      // The removal may just be being written.
      const wasLeaving = user.removes.delete(agentId);
      if (isNews) user.hasNews = true;
      const nowMs = clock.now();
      if (!wasLeaving && isFollowedAlready(user, agentId, { because, isNews, nowMs })) return;
      if (user.adds.get(agentId) !== "login") user.adds.set(agentId, because);
      passes.wake();
    },
    remove(user, agentId) {
      ownership.remember(user);
      user.adds.delete(agentId);
      user.removes.add(agentId);
      passes.wake();
    },
    setRefused(user, isRefused) {
      if (!user.isOwned || user.isRefused === isRefused) return;
      user.isRefused = isRefused;
      user.isDue = true;
      passes.wake();
    },
    dismiss(user) {
      if (!user.isOwned) return ownership.forget(user);
      ownership.release(user);
      user.isDue = true;
      passes.wake();
    },
    announceCredentials,
    leaseHolds: lease.holds,
    stop,
  };
}
