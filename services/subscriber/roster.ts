import type { Clock } from "../clock.ts";
import { StoreUnavailable } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { RecordStore } from "../store/record_port.ts";
import { type Account, changedAgents, createAccount, isDirty } from "./account.ts";
import type { SubscriberCounters } from "./counters.ts";
import { createLease, type LeaseTimes } from "./lease.ts";
import { inParts } from "./parts.ts";
import { createPump } from "./pump.ts";
import {
  type Because,
  decodeSubscription,
  encodeSubscription,
  listInstances,
  listSubscriptions,
  type LivingInstance,
  orphansAmong,
  type Subscription,
} from "./roll.ts";

/** Who follows whom, agreed upon with the other instances through the store. */
export interface Roster {
  /** Looks for agents whom nobody follows, now and from then on. */
  start(): void;
  /** The account, made if need be; it is only kept if something is asked of it. */
  account(key: string): Account;
  readonly accounts: ReadonlyMap<string, Account>;
  add(account: Account, agentId: string, because: Because): void;
  remove(account: Account, agentId: string): void;
  /** Forgets an account that this instance does not follow, without touching its record. */
  drop(account: Account): void;
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

/** An agent who has not been heard of for so long is not followed any more: not everybody signs off. */
export const FOLLOW_MS = 24 * 60 * 60_000;
/** A record is not written anew more often than this only to prolong its life. */
const PROLONG_MS = 60 * 60_000;
/**
 * How often an instance that knows of no other looks for one; with others about, at the end of each one's lease instead. An
 * agent whose instance began to follow just after a look, and died, is found by the next one.
 */
const LOOK_EVERY_MS = 25_000;
const LOOK_SPREAD_MS = 2_000;
const MAX_TRIES = 5;
/** Upstream takes 40 handshakes a second, and the last waits 5 s. */
const START_EVERY_MS = 25;
const LONGEST_START_MS = 5_000;

/** One pass after another, never two at a time; begun by a wish, a timer, or nothing else. */
export function createRoster(options: RosterOptions): Roster {
  const { records, instanceId, clock, random, log, counters } = options;
  const accounts = new Map<string, Account>();
  let isStopped = false;
  let renewing: Promise<void> | null = null;
  let lookAtMs = -Infinity;

  const pump = createPump({
    ...options,
    pass,
    nextAtMs: () => Math.min(lookAtMs, lease.renewAtMs ?? Infinity),
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

  function owned(): Account[] {
    return [...accounts.values()].filter(({ isOwned }) => isOwned);
  }

  async function pass(): Promise<void> {
    if (owned().length > 0) await keepLease();
    await inParts([...accounts.values()].filter(isDirty), settle);
    if (clock.now() >= lookAtMs) await look();
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
      const text = account.isOwned ? account.text : await read(account.key);
      const current = text === null ? null : decodeSubscription(account.key, text);
      if (text !== null && current === null) {
        log.error("subscriber.unreadable", { key: account.key });
        accounts.delete(account.key);
        return;
      }
      const agents = changedAgents(current?.agents ?? new Map(), { adds, removes });
      const instance = await followerOf(account.key, current);
      const next = agents.size === 0 ? null : encodeSubscription({ instance, agents });
      if (next !== null && instance === instanceId) await keepLease();
      // After a lost reply the record may be as wanted already.
      if (next === text && next === null || await write(account.key, text, next)) {
        for (const [agentId, because] of adds) {
          if (account.adds.get(agentId) === because) account.adds.delete(agentId);
        }
        for (const agentId of removes) account.removes.delete(agentId);
        account.isDue = false;
        const before = current?.instance ?? instanceId;
        if (instance === instanceId && before !== instanceId) noteTakeOver(account.key, before);
        return adopt(account, { instance, agents, text: next }, 0);
      }
      // What this instance took to be its own is somebody else's by now, or another one asked for something too.
      if (account.isOwned) release(account, "taken over");
    }
    throw new StoreUnavailable("agree on who follows an agent");
  }

  function read(key: string): Promise<string | null> {
    return records.readRecord({ kind: "subscription", key }, clock.now());
  }

  async function write(key: string, expected: string | null, text: string | null) {
    const nowMs = clock.now();
    const untilMs = nowMs + FOLLOW_MS;
    const name = { kind: "subscription", key } as const;
    return (await records.writeRecord({ ...name, expected, text, untilMs, nowMs })).written;
  }

  /** Who is to follow: whoever does and is alive, else this instance if it can. */
  async function followerOf(key: string, current: Subscription | null): Promise<string | null> {
    const other = current?.instance ?? null;
    if (other !== null && other !== instanceId) {
      const isAlive =
        await records.readRecord({ kind: "instance", key: other }, clock.now()) !== null;
      if (isAlive) return other;
    }
    return options.canServe(key) ? instanceId : null;
  }

  /** Goes by what the record says now. */
  function adopt(
    account: Account,
    record: Pick<Subscription, "instance" | "agents"> & { readonly text: string | null },
    startAfterMs: number,
  ): void {
    account.agents = record.agents;
    account.writtenAtMs = clock.now();
    const isOurs = record.text !== null && record.instance === instanceId;
    account.text = isOurs ? record.text : null;
    if (record.text === null) accounts.delete(account.key);
    if (!isOurs) release(account, record.text === null ? "not wanted any more" : "taken over");
    else if (!lease.holds()) account.isDue = true;
    else if (!account.isOwned) {
      accounts.set(account.key, account);
      account.isOwned = true;
      options.onOwned(account, startAfterMs);
    }
  }

  function release(account: Account, why: string): void {
    if (!account.isOwned) return;
    account.isOwned = false;
    account.text = null;
    options.onReleased(account, why);
  }

  /** Looks at everybody's subscriptions: what has become of this instance's own, and which nobody serves. */
  async function look(): Promise<void> {
    const subscriptions = await listSubscriptions(records, clock.now());
    const byKey = new Map(subscriptions.map((each) => [each.key, each]));
    for (const account of owned()) checkOwn(account, byKey.get(account.key));

    const others = subscriptions.filter(({ key }) => accounts.get(key)?.isOwned !== true);
    const hasOwners = others.some(({ instance }) => instance !== null && instance !== instanceId);
    const living = hasOwners ? await listInstances(records, clock.now()) : [];
    const orphans = orphansAmong(others, living, instanceId);
    if (orphans.some(({ key }) => options.canServe(key))) await keepLease();
    const spreadMs = Math.min(LONGEST_START_MS, orphans.length * START_EVERY_MS);
    await inParts(orphans, (orphan) => takeOver(orphan, random() * spreadMs));

    for (const account of accounts.values()) waitInTheWings(account, byKey);
    lookAtMs = nextLook(living.filter(({ id }) => id !== instanceId));
  }

  function checkOwn(account: Account, record: Subscription | undefined): void {
    if (isDirty(account)) return;
    if (record === undefined) {
      accounts.delete(account.key);
      release(account, "not wanted any more");
    } else {
      const { writtenAtMs } = account;
      adopt(account, record, 0);
      account.writtenAtMs = writtenAtMs;
      const isOld = clock.now() - writtenAtMs > FOLLOW_MS - PROLONG_MS;
      if (account.isOwned && isOld && options.isBusy(account)) {
        account.isDue = true;
        pump.wake();
      }
    }
  }

  async function takeOver(orphan: Subscription, startAfterMs: number): Promise<void> {
    const { key, agents, text, instance: before } = orphan;
    if (!options.canServe(key)) {
      // Only who saw the agent's token could; the agent's next request with one begins anew.
      if (await write(key, text, null)) {
        log.warn("subscriber.not_taken_over", { key, reason: "no token of the agent" });
      }
      return;
    }
    const next = encodeSubscription({ instance: instanceId, agents });
    if (!await write(key, text, next)) return;
    noteTakeOver(key, before);
    adopt(roster.account(key), { instance: instanceId, agents, text: next }, startAfterMs);
  }

  /** What this instance would follow, and another one does. */
  function waitInTheWings(account: Account, byKey: ReadonlyMap<string, Subscription>): void {
    if (account.isOwned || isDirty(account)) return;
    if (account.credential === null) {
      // It is kept only to spare the store questions.
      if (clock.now() - account.writtenAtMs > PROLONG_MS) accounts.delete(account.key);
    } else if (!byKey.has(account.key)) {
      for (const [agentId, because] of account.agents) account.adds.set(agentId, because);
      pump.wake();
    }
  }

  function noteTakeOver(key: string, from: string | null): void {
    counters.takeOvers++;
    log.info("subscriber.taken_over", { key, from });
  }

  function nextLook(others: readonly LivingInstance[]): number {
    const nowMs = clock.now();
    const idleAtMs = nowMs + LOOK_EVERY_MS - random() * LOOK_SPREAD_MS;
    const endsMs = others.map(({ untilMs }) =>
      Math.max(untilMs, nowMs + 1_000) + random() * LOOK_SPREAD_MS
    );
    return Math.min(idleAtMs, ...endsMs);
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
      await inParts(given, async ({ account, text }) => {
        await write(account.key, text, heritage(account));
      });
      await lease.end();
    } catch (error) {
      // The lease lapses, and the others find out by themselves.
      log.warn("subscriber.not_given_back", { error: String(error) });
    }
  }

  /** What is left of a record: an agent for whoever is first, or nothing, where nobody else has the token. */
  function heritage({ agents, credential }: Account): string | null {
    return credential === null ? encodeSubscription({ instance: null, agents }) : null;
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
    add(account, agentId, because) {
      accounts.set(account.key, account);
      account.removes.delete(agentId);
      const known = account.agents.get(agentId);
      const isKnown = known === "login" || known === because;
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
    drop: (account) => void accounts.delete(account.key),
    leaseHolds: () => lease.holds(),
    stop,
  };
  return roster;
}
