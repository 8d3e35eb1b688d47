import type { Config } from "../config/config.ts";
import type { AgentLinks } from "../contact_centre/rest/agent_links.ts";
import { openUpstreamConnections } from "../contact_centre/rest/connections.ts";
import type { UpstreamCredentials } from "../contact_centre/rest/credentials.ts";
import type { Upstream } from "../contact_centre/rest/upstream.ts";
import type { Publisher } from "../events/publisher.ts";
import type { RecordStore } from "../store/port/records.ts";
import type { SessionStore } from "../store/port/sessions.ts";
import type { Clock } from "../support/clock.ts";
import type { Ids } from "../support/ids.ts";
import type { Logger } from "../support/log.ts";
import { createSemaphore } from "../support/semaphore.ts";
import { disposeToken, keepToken } from "./assignment/agent_token.ts";
import { createAssignments } from "./assignment/assignments.ts";
import type { FollowedUser } from "./assignment/followed_user.ts";
import { LEASE_TIMES, type LeaseTimes } from "./assignment/lease.ts";
import { type Because, subscriptionKey } from "./assignment/subscription.ts";
import { loadCometd } from "./cometd/cometd_library.ts";
import { createPoller } from "./cometd/poll.ts";
import type { ConnectionState } from "./connection/connection.ts";
import { createConnections, type WantedConnection } from "./connection/connections.ts";
import { createCounters, type SubscriberCounters } from "./counters.ts";
import { createAgentGet } from "../contact_centre/rest/agent_get.ts";
import { createEndMapping } from "./resync/end_mapping.ts";
import type { ResyncStore } from "./resync/resync_dependencies.ts";

/** An agent who is to be followed from now on. */
export interface Following {
  readonly agentId: string;
  /** `login`: until `unfollow`. `accept`: for as long as the agent has a session open. */
  readonly because: Because;
  /**
   * Upstream has just let the agent in or given it a session. False: the agent has merely done something, and may bring a
   * newer token.
   */
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
  /** One connection serves all agents (mode `basic`), so that each list below holds one of them at most. */
  readonly isShared: boolean;
  /** Agents whom upstream turns away at present; they are tried again by and by. */
  readonly refused: readonly string[];
  /** Agents of whom nothing has been heard for {@link DEAF_MS} although upstream does not turn them away. */
  readonly deaf: readonly string[];
  /** Agents who have left no credentials. */
  readonly waiting: readonly string[];
  readonly counters: Readonly<SubscriberCounters>;
}

/**
 * Hears upstream's notifications for the agents and makes events of them, each once and in order. What was missed while
 * nothing could be heard is asked for as soon as that is possible.
 */
export interface Subscriber {
  /** Looks for agents whom an instance that is gone has followed, now and from then on. */
  start(): void;
  /** Follows the agent, or goes on to; each call may bring a newer token. */
  follow(following: Following): void;
  /** The agent has signed off. */
  unfollow(agentId: string): void;
  /**
   * The agent has other credentials in the vault, or none any more: a session that began with the old ones ends, and the next
   * begins at once if there are any. `where`: whether they were changed here, so that the instance which follows the agent has
   * to be told, or elsewhere. Resolves when nothing of this instance carries the old ones any more. Throws `StoreUnavailable`
   * where another instance has to be told and cannot.
   */
  credentialsChanged(agentId: string, where: "here" | "elsewhere"): Promise<void>;
  readonly state: SubscriberState;
  /** Disconnects from upstream and gives the agents to whichever instance is left. */
  stop(): Promise<void>;
}

export interface SubscriberOptions {
  /** Upstream's own address; the CometD path is appended to it. */
  readonly upstreamUrl: URL;
  readonly mode: Config["upstream"]["auth"]["mode"];
  /** The CometD endpoint's path. */
  readonly path: string;
  readonly channels: readonly string[];
  readonly upstream: Upstream;
  readonly links: AgentLinks;
  readonly credentials: UpstreamCredentials;
  readonly store: ResyncStore & Pick<SessionStore, "applyEffect"> & RecordStore;
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

/** Longer than it takes to come back from a lost session, or from a restart of upstream. */
export const DEAF_MS = 60_000;

/** Long enough for the session that the Accept was about to show. */
const IDLE_MS = 60_000;

/**
 * So many connections begin a session and catch up at a time. It bounds the burst that upstream sees and the memory that it
 * takes here: 500 at once take 80 MB more than 16 at a time. At 0.2 s a request 100 are through in 5 s.
 */
const START_SLOTS = 16;

/** Loads the CometD client and builds the subscriber of one instance. It does nothing before `start`. */
export async function createSubscriber(options: SubscriberOptions): Promise<Subscriber> {
  const { mode, clock, random, log, store, idleMs = IDLE_MS } = options;
  const isShared = mode === "basic";
  const needsToken = mode === "forward";
  const counters = createCounters();
  // Over HTTP/2 all polls would share one connection. Upstream, or the proxy in front of it, bounds how many streams that
  // carries, often to 100 (RFC 9113 §6.5.2), and the rest would wait for each other.
  const polls = openUpstreamConnections({ fetch: options.fetch, http2: false });
  const connections = createConnections({
    dependencies: {
      ...options,
      endpoint: { url: endpointUrl(options), channels: options.channels },
      newClient: await loadCometd(),
      poller: createPoller({ ...options, fetch: polls.fetch }),
      startSlots: createSemaphore(START_SLOTS),
      agentGet: createAgentGet(options),
      endMapping: createEndMapping(options),
      counters,
    },
    leaseHolds: () => assignments.leaseHolds(),
  });
  const assignments = createAssignments({
    records: store,
    instanceId: options.ids.token(),
    times: options.leaseTimes ?? LEASE_TIMES,
    clock,
    random,
    log,
    counters,
    canServe: (key) => !needsToken || assignments.users.get(key)?.token != null,
    onOwned: (user, startAfterMs) =>
      void connections.open(user.key, () => wantedConnection(user, startAfterMs)),
    onReleased: ({ key }) => connections.close(key),
    onOtherCredentials({ key }) {
      const connection = connections.get(key);
      if (connection === undefined) return;
      options.credentials.doubt?.(connection.agentId);
      options.links.forget(connection.agentId);
      void connection.credentialsChanged();
    },
    isBusy: ({ key }) => (connections.get(key)?.openSessions ?? 0) > 0,
  });

  function wantedConnection(user: FollowedUser, startAfterMs: number): WantedConnection | null {
    const [agentId] = user.agents.keys();
    if (!user.isOwned || agentId === undefined) return null;
    return {
      agentId,
      isShared,
      startAfterMs,
      clientAuthorization: () => user.token?.authorization ?? null,
      onIdle: () => dismissIdle(user),
      onRefused: (isRefused) => assignments.setRefused(user, isRefused),
      idleMs,
    };
  }

  /** Nothing is open any more for those who were followed only because of it. */
  function dismissIdle(user: FollowedUser): void {
    for (const [agentId, because] of user.agents) {
      if (because === "accept") assignments.remove(user, agentId);
    }
  }

  /** The agent's next request may bring a fresh token. */
  function dismissExpired(user: FollowedUser): void {
    if (user.isOwned) {
      counters.tokensExpired += user.agents.size;
      for (const agentId of user.agents.keys()) log.info("subscriber.token_expired", { agentId });
    }
    assignments.dismiss(user);
  }

  function follow(following: Following): void {
    const { agentId, because, isNews, authorization, authorizationExpiresAtMs } = following;
    const key = subscriptionKey(agentId, { isShared });
    if (needsToken && authorization === null) return;
    if (key === null) return log.warn("subscriber.id_too_long", { agentId });
    const user = assignments.user(key);
    const isNewToken = needsToken && authorization !== null && keepToken(
      user,
      { authorization, expiresAtMs: authorizationExpiresAtMs },
      { clock, onExpired: () => dismissExpired(user) },
    );
    assignments.add(user, agentId, because, { isNews });
    // Not at each request: where upstream goes on refusing, an agent at work would make a storm of it.
    const connection = connections.get(key);
    const isGivenUp = connection?.state === "refused" || connection?.state === "waiting";
    if (isGivenUp && (isNews || isNewToken)) connection.retryNow();
  }

  async function stop(): Promise<void> {
    await assignments.stop();
    for (const user of assignments.users.values()) disposeToken(user);
    await connections.allClosed();
    polls.close();
  }

  let stopped: Promise<void> | null = null;
  return {
    start: () => assignments.start(),
    follow,
    unfollow(agentId) {
      const key = subscriptionKey(agentId, { isShared });
      if (key !== null) assignments.remove(assignments.user(key), agentId);
    },
    async credentialsChanged(agentId, where) {
      const key = subscriptionKey(agentId, { isShared });
      if (key === null) return;
      const connection = connections.get(key);
      if (connection !== undefined) await connection.credentialsChanged();
      else if (where === "here") await assignments.announceCredentials(key);
    },
    get state() {
      const all = connections.all();
      const agentsIn = (state: ConnectionState) =>
        all.filter((connection) => connection.state === state).map(({ agentId }) => agentId);
      const deafBeforeMs = clock.now() - DEAF_MS;
      return {
        following: all.length,
        live: agentsIn("live").length,
        isShared,
        refused: agentsIn("refused"),
        deaf: all.filter(({ state, deafSinceMs }) =>
          state === "connecting" && deafSinceMs !== null && deafSinceMs <= deafBeforeMs
        ).map(({ agentId }) => agentId),
        waiting: agentsIn("waiting"),
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
