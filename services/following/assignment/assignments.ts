import type { Clock } from "../../support/clock.ts";
import { StoreUnavailable } from "../../errors.ts";
import type { Logger } from "../../support/log.ts";
import type { RecordStore } from "../../store/port/records.ts";
import { type Account, changedAgents, createAccount, isDirty } from "./followed_user.ts";
import type { SubscriberCounters } from "../connection/counters.ts";
import { createLease, type LeaseTimes } from "./lease.ts";
import { createLookout, OWNERLESS_MS, PROLONG_MS } from "./orphan_watch.ts";
import { inParts } from "../../support/in_batches.ts";
import { createPump } from "../../support/single_pass.ts";
import { createRoll, FOLLOW_MS } from "./subscription_records.ts";
import {
  type Because,
  decodeSubscription,
  encodeSubscription,
  type Subscription,
} from "./subscription.ts";

/** Who follows whom, agreed upon with the other instances through the store. */
export interface Roster {
  /** Looks for agents whom nobody follows, now and from then on. */
  start(): void;
  /** The account, made if need be; it is only kept if something is asked of it. */
  account(key: string): Account;
  readonly accounts: ReadonlyMap<string, Account>;
  /**
   * The agent is to be followed. `isNews`: upstream has just let it in or given it a session, so the record is looked at
   * whatever this instance remembers of it, as another one may have let the agent go.
   */
  add(account: Account, agentId: string, because: Because, how: { readonly isNews: boolean }): void;
  remove(account: Account, agentId: string): void;
  /** This instance has no longer what it takes to follow: it stops at once, and another one may. */
  dismiss(account: Account, why: string): void;
  /** Whether what is owned is owned now. */
  leaseHolds(): boolean;
  /** Gives everything back for others to take. */
  stop(): Promise<void>;
}

export interface RosterOptions {
  readonly records: RecordStore;
  readonly instanceId: string;
  readonly times: LeaseTimes;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly counters: SubscriberCounters;
  /** Whether this instance has what it takes to follow: credentials. */
  readonly canServe: (key: string) => boolean;
  /** This instance follows from now on; `startAfterMs` spreads many that come at once. */
  readonly onOwned: (account: Account, startAfterMs: number) => void;
  readonly onReleased: (account: Account, why: string) => void;
  /** Whether an account has sessions open, so that its record must not lapse. */
  readonly isBusy: (account: Account) => boolean;
}

const MAX_TRIES = 5;

/** One pass after another, never two at a time; begun by a wish, a timer, or nothing else. */
export function createRoster(options: RosterOptions): Roster {
  const { records, instanceId, clock, log, counters } = options;
  const accounts = new Map<string, Account>();
  const roll = createRoll({ records, clock });
  let isStopped = false;
  let renewing: Promise<void> | null = null;

  const pump = createPump({
    ...options,
    pass,
    nextAtMs: () => Math.min(lookout.dueAtMs, lease.renewAtMs ?? Infinity),
  });
  const lease = createLease({
    ...options,
    onLost() {
      counters.leasesLost++;
      log.warn("subscriber.lease_lost", { following: owned().length });
      for (const account of owned()) {
        release(account, "lease lost");
        account.isDue = true;
      }
      pump.wake();
    },
  });
  const lookout = createLookout({
    ...options,
    roll,
    accounts,
    keepLease,
    onOwn: heed,
    onForgotten: forget,
    onTakenOver(record, from, startAfterMs) {
      noteTakeOver(record.key, from);
      adopt(roster.account(record.key), record, startAfterMs);
    },
    onDue(account) {
      account.isDue = true;
      pump.wake();
    },
  });

  function owned(): Account[] {
    return [...accounts.values()].filter(({ isOwned }) => isOwned);
  }

  async function pass(): Promise<void> {
    if (owned().length > 0) await keepLease();
    await inParts([...accounts.values()].filter(isDirty), settle);
    if (clock.now() >= lookout.dueAtMs) await lookout.look();
    if (lease.renewAtMs !== null && owned().length === 0) await lease.end();
  }

  /** To be called before anything is owned by it. */
  async function keepLease(): Promise<void> {
    const { renewAtMs } = lease;
    if (renewAtMs !== null && clock.now() < renewAtMs && lease.holds()) return;
    renewing ??= lease.renew().finally(() => renewing = null);
    await renewing;
  }

  /** Makes the record what this instance wants it to be, unless another one is ahead. */
  async function settle(account: Account): Promise<void> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const adds = new Map(account.adds);
      const removes = new Set(account.removes);
      const text = account.isOwned && tries === 0 ? account.text : await roll.read(account.key);
      const current = text === null ? null : decodeSubscription(account.key, text);
      if (text !== null && current === null) {
        log.error("subscriber.unreadable", { key: account.key });
        return forget(account);
      }
      if (account.isOwned && current !== null && current.instance !== instanceId) {
        release(account, "taken over");
      }
      const agents = changedAgents(current?.agents ?? new Map(), { adds, removes });
      const instance = await followerOf(account.key, current);
      const next = agents.size === 0 ? null : encodeSubscription({ instance, agents });
      if (next !== null && instance === instanceId) await keepLease();
      const lifetimeMs = instance === null ? OWNERLESS_MS : FOLLOW_MS;
      // After a lost reply the record may be as wanted already.
      if (
        next === text && next === null || await roll.write(account.key, text, next, lifetimeMs)
      ) {
        for (const [agentId, because] of adds) {
          if (account.adds.get(agentId) === because) account.adds.delete(agentId);
        }
        for (const agentId of removes) account.removes.delete(agentId);
        account.isDue = false;
        const before = current?.instance ?? instanceId;
        if (instance === instanceId && before !== instanceId) noteTakeOver(account.key, before);
        return adopt(account, { instance, agents, text: next }, 0);
      }
      // Another instance has asked for something, too, or has taken over: what the record says now decides.
    }
    throw new StoreUnavailable("agree on who follows an agent");
  }

  /** Who is to follow: whoever does and is alive, else this instance if it can. */
  async function followerOf(key: string, current: Subscription | null): Promise<string | null> {
    const other = current?.instance ?? null;
    if (other !== null && other !== instanceId && await roll.isAlive(other)) return other;
    return options.canServe(key) ? instanceId : null;
  }

  /** Goes by what the record says now. */
  function adopt(
    account: Account,
    record: Pick<Subscription, "instance" | "agents"> & { readonly text: string | null },
    startAfterMs: number,
  ): void {
    account.agents = record.agents;
    account.isFollowed = record.text !== null && record.instance !== null;
    account.writtenAtMs = clock.now();
    const isOurs = record.text !== null && record.instance === instanceId;
    account.text = isOurs ? record.text : null;
    // What was asked for while the record was written is still to be done.
    if (record.text === null && !isDirty(account)) forget(account);
    if (!isOurs) release(account, record.text === null ? "not wanted any more" : "taken over");
    else if (!lease.holds()) account.isDue = true;
    else if (!account.isOwned) {
      accounts.set(account.key, account);
      account.isOwned = true;
      options.onOwned(account, startAfterMs);
    }
  }

  /** Goes by a record that was read and not written. */
  function heed(account: Account, record: Subscription | null): void {
    const { writtenAtMs } = account;
    adopt(account, record ?? { instance: null, agents: account.agents, text: null }, 0);
    account.writtenAtMs = writtenAtMs;
  }

  function forget(account: Account): void {
    account.credential?.expiry?.cancel();
    if (accounts.get(account.key) === account) accounts.delete(account.key);
  }

  function release(account: Account, why: string): void {
    if (!account.isOwned) return;
    account.isOwned = false;
    account.isFollowed = false;
    account.text = null;
    options.onReleased(account, why);
  }

  function noteTakeOver(key: string, from: string | null): void {
    counters.takeOvers++;
    log.info("subscriber.taken_over", { key, from });
  }

  async function stop(): Promise<void> {
    if (isStopped) return;
    isStopped = true;
    await pump.stop();
    const given = owned().map((account) => ({ account, text: account.text }));
    for (const { account } of given) release(account, "stopping");
    lease.dispose();
    if (given.length === 0) return;
    try {
      await inParts(given, ({ account, text }) => giveBack(account, text));
      await lease.end();
    } catch (error) {
      // The lease lapses, and the others find out by themselves.
      log.warn("subscriber.not_given_back", { error: String(error) });
    }
  }

  /** Leaves the agents to whoever is first; where that takes a token, for as long as it takes an instance that has one. */
  async function giveBack({ key, agents, credential }: Account, text: string | null) {
    const ownerless = encodeSubscription({ instance: null, agents });
    await roll.write(key, text, ownerless, credential === null ? FOLLOW_MS : OWNERLESS_MS);
  }

  const roster: Roster = {
    accounts,
    start: pump.start,
    account(key) {
      const known = accounts.get(key);
      if (known !== undefined) return known;
      const account = createAccount(key);
      accounts.set(key, account);
      return account;
    },
    add(account, agentId, because, { isNews }) {
      accounts.set(account.key, account);
      // The removal may just be being written.
      const wasLeaving = account.removes.delete(agentId);
      const known = account.agents.get(agentId);
      const isKnown = !wasLeaving && !isNews && account.isFollowed &&
        (known === "login" || known === because);
      if (isKnown && clock.now() - account.writtenAtMs < PROLONG_MS) return;
      if (account.adds.get(agentId) !== "login") account.adds.set(agentId, because);
      pump.wake();
    },
    remove(account, agentId) {
      accounts.set(account.key, account);
      account.adds.delete(agentId);
      account.removes.add(agentId);
      pump.wake();
    },
    dismiss(account, why) {
      if (!account.isOwned) return forget(account);
      release(account, why);
      account.isDue = true;
      pump.wake();
    },
    leaseHolds: () => lease.holds(),
    stop,
  };
  return roster;
}
