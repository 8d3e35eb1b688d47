import type { Clock } from "../support/clock.ts";
import type { Config } from "../config/config.ts";
import type { Ids } from "../support/ids.ts";
import type { Logger } from "../support/log.ts";
import type { Publisher } from "../events/publisher.ts";
import type { RecordStore } from "../store/port/records.ts";
import type { SessionStore } from "../store/port/sessions.ts";
import type { AgentLinks } from "../contact_centre/rest/agent_links.ts";
import type { UpstreamCredentials } from "../contact_centre/rest/credentials.ts";
import { openUpstreamConnections } from "../contact_centre/rest/connections.ts";
import type { Upstream } from "../contact_centre/rest/upstream.ts";
import type { Account, Credential } from "./assignment/followed_user.ts";
import { loadCometd } from "./cometd/cometd_library.ts";
import {
  type Connection,
  type ConnectionDependencies,
  createConnection,
} from "./connection/connection.ts";
import { createCounters, type SubscriberCounters } from "./connection/counters.ts";
import { createDepartures } from "./resync/end_mapping.ts";
import { createGate } from "../support/semaphore.ts";
import { createInquiry } from "./resync/agent_get.ts";
import { LEASE_TIMES, type LeaseTimes } from "./assignment/lease.ts";
import { createPoller } from "./cometd/poll.ts";
import { type Because, subscriptionKey } from "./assignment/subscription.ts";
import { createRoster } from "./assignment/assignments.ts";

/** An agent who is to be followed from now on. */
export interface Following {
  readonly agentId: string;
  /** `login`: until told to stop. `accept`: for as long as the agent has a session open. */
  readonly because: Because;
  /** Upstream has just said so. False: the agent has merely done something, and may bring a newer token. */
  readonly isNews: boolean;
  /** The request's `authorization`; used in mode `forward` alone. */
  readonly authorization: string | null;
  /** When that ends (Unix milliseconds); null: not known. */
  readonly authorizationExpiresAtMs: number | null;
}

/** How an instance's subscriptions stand. */
export interface SubscriberState {
  /** Connections that this instance is to keep. */
  readonly following: number;
  /** Those that hear what is published now. */
  readonly live: number;
  /** Agents (in mode `basic`: one of them) whom upstream has turned away. */
  readonly refused: readonly string[];
  readonly counters: Readonly<SubscriberCounters>;
}

/**
 * Hears upstream's notifications for the agents, and makes events of them: each once, in order, and what was missed while
 * nothing could be heard as soon as it can be asked for.
 */
export interface Subscriber {
  /** Looks for agents whom an instance that is gone has followed, now and from then on. */
  start(): void;
  /** To be called when upstream has let an agent in or given it a session; each call brings a newer token. */
  follow(following: Following): void;
  /** The agent has signed off. */
  unfollow(agentId: string): void;
  /** The agent has other credentials in the vault: who was turned away is tried again. */
  credentialsChanged(agentId: string): void;
  readonly state: SubscriberState;
  /** Takes leave of upstream and gives the agents to whichever instance is left. */
  stop(): Promise<void>;
}

export interface SubscriberOptions {
  /** Upstream's own address; the CometD path is appended to it. */
  readonly upstreamUrl: URL;
  readonly mode: Config["upstream"]["auth"]["mode"];
  readonly path: string;
  readonly channels: readonly string[];
  readonly upstream: Upstream;
  readonly links: AgentLinks;
  readonly credentials: UpstreamCredentials;
  readonly store:
    & Pick<SessionStore, "listSessions" | "readSession" | "firstUnseenMessage" | "applyEffect">
    & RecordStore;
  readonly publisher: Publisher;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly ids: Pick<Ids, "token">;
  readonly log: Logger;
  readonly fetch: typeof fetch;
  readonly leaseTimes?: LeaseTimes;
  /** How long an agent without an open session is followed on the strength of an Accept; {@link IDLE_MS}. */
  readonly idleMs?: number;
}

/** Long enough for the session that the Accept was about to show. */
export const IDLE_MS = 60_000;

/**
 * How many begin a session and catch up at a time. It bounds the burst upstream sees, and the memory of one here: 500 at once
 * take 80 MB more than 16 at a time. At 0.2 s a request 100 are through in 5 s.
 */
const AT_ONCE = 16;

/** What a record's key may have (services/store/port/records.ts). */
const MAX_KEY_LENGTH = 512;

/** Loads the CometD client and builds the subscriber of one instance. It does nothing before `start`. */
export async function createSubscriber(options: SubscriberOptions): Promise<Subscriber> {
  const { mode, clock, random, log, store } = options;
  const isShared = mode === "basic";
  const counters = createCounters();
  // Over HTTP/2 all polls would share one connection, whose number of streams upstream or the proxy in front of it bounds, to
  // 100 as often as not (RFC 9113 §6.5.2): the rest would wait for each other.
  const polls = openUpstreamConnections({ fetch: options.fetch, http2: false });
  const connections = new Map<string, Connection>();
  const closing = new Map<string, Promise<void>>();
  const dependencies: ConnectionDependencies = {
    ...options,
    endpoint: { url: endpointUrl(options), channels: options.channels },
    newClient: await loadCometd(),
    poller: createPoller({ ...options, fetch: polls.fetch }),
    gate: createGate(AT_ONCE),
    inquire: createInquiry(options),
    depart: createDepartures(options),
    counters,
  };
  const roster = createRoster({
    records: store,
    instanceId: options.ids.token(),
    times: options.leaseTimes ?? LEASE_TIMES,
    clock,
    random,
    log,
    counters,
    canServe: (key) => mode !== "forward" || roster.accounts.get(key)?.credential != null,
    onOwned: (account, startAfterMs) => void open(account, startAfterMs),
    onReleased: (account) => close(account.key),
    isBusy: ({ key }) => (connections.get(key)?.openSessions ?? 0) > 0,
  });

  async function open(account: Account, startAfterMs: number): Promise<void> {
    const { key } = account;
    // The one before may still be saying goodbye.
    await closing.get(key);
    const [agentId] = account.agents.keys();
    if (!account.isOwned || connections.has(key) || agentId === undefined) return;
    const connection = createConnection(dependencies, {
      agentId,
      isShared,
      startAfterMs,
      clientAuthorization: () => account.credential?.authorization ?? null,
      mayWrite: () => connections.get(key) === connection && roster.leaseHolds(),
      onIdle: () => dismissIdle(account),
      idleMs: options.idleMs ?? IDLE_MS,
    });
    connections.set(key, connection);
  }

  function close(key: string): void {
    const connection = connections.get(key);
    if (connection === undefined) return;
    connections.delete(key);
    const closed: Promise<void> = connection.close().finally(() => {
      if (closing.get(key) === closed) closing.delete(key);
    });
    closing.set(key, closed);
  }

  /** Nothing is open any more for those who were followed only because of it. */
  function dismissIdle(account: Account): void {
    for (const [agentId, because] of account.agents) {
      if (because === "accept") roster.remove(account, agentId);
    }
  }

  /** True: it is another one than before. */
  function keepCredential(
    account: Account,
    { authorization, authorizationExpiresAtMs: expiresAtMs }: Following & { authorization: string },
  ): boolean {
    const known = account.credential;
    // Requests may overtake each other: a token that ends sooner is the older one.
    if (known !== null && (expiresAtMs ?? Infinity) < (known.expiresAtMs ?? Infinity)) return false;
    known?.expiry?.cancel();
    const expiry = expiresAtMs === null
      ? null
      : clock.after(expiresAtMs - clock.now(), () => expire(account, credential));
    const credential: Credential = { authorization, expiresAtMs, expiry };
    account.credential = credential;
    return authorization !== known?.authorization;
  }

  /** The token has ended: the agent's next request may bring a fresh one. */
  function expire(account: Account, credential: Credential): void {
    if (account.credential !== credential) return;
    account.credential = null;
    if (account.isOwned) {
      for (const agentId of account.agents.keys()) {
        log.info("subscriber.token_expired", { agentId });
      }
    }
    roster.dismiss(account, "token expired");
  }

  async function stop(): Promise<void> {
    await roster.stop();
    for (const { credential } of roster.accounts.values()) credential?.expiry?.cancel();
    await Promise.all(closing.values());
    polls.close();
  }

  let stopped: Promise<void> | null = null;
  return {
    start: () => roster.start(),
    follow(following) {
      const { agentId, because, isNews, authorization } = following;
      const key = subscriptionKey(agentId, { isShared });
      if (mode === "forward" && authorization === null) return;
      if (key.length > MAX_KEY_LENGTH) return log.warn("subscriber.id_too_long", { agentId });
      const account = roster.account(key);
      const isNewToken = mode === "forward" && authorization !== null &&
        keepCredential(account, { ...following, authorization });
      roster.add(account, agentId, because, { isNews });
      // Not at each request: where upstream goes on refusing, an agent at work would make a storm of it.
      const connection = connections.get(key);
      if (connection?.state === "stopped" && (isNews || isNewToken)) connection.encourage();
    },
    unfollow(agentId) {
      const key = subscriptionKey(agentId, { isShared });
      if (key.length <= MAX_KEY_LENGTH) roster.remove(roster.account(key), agentId);
    },
    credentialsChanged(agentId) {
      connections.get(subscriptionKey(agentId, { isShared }))?.encourage();
    },
    get state() {
      const all = [...connections.values()];
      return {
        following: all.length,
        live: all.filter(({ state }) => state === "live").length,
        refused: all.filter(({ state }) => state === "stopped").map(({ agentId }) => agentId),
        counters: { ...counters },
      };
    },
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };
}

function endpointUrl({ upstreamUrl, path }: SubscriberOptions): string {
  return upstreamUrl.origin + upstreamUrl.pathname.replace(/\/$/, "") + path;
}
