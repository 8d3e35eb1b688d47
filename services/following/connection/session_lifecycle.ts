import type { CometD } from "cometd";
import { ME } from "../../contact_centre/dialect/paths.ts";
import { isUnauthenticated } from "../../contact_centre/dialect/verdict.ts";
import type { AgentLinks } from "../../contact_centre/rest/agent_links.ts";
import {
  NoUpstreamCredentials,
  type UpstreamCredentials,
} from "../../contact_centre/rest/credentials.ts";
import { PatchbayError } from "../../errors.ts";
import type { Clock } from "../../support/clock.ts";
import type { Logger } from "../../support/log.ts";
import type { Semaphore } from "../../support/semaphore.ts";
import { type CometdSession, openCometdSession } from "../cometd/cometd_session.ts";
import type { Poller } from "../cometd/poll.ts";
import type { SessionEnd } from "../cometd/session_end.ts";
import type { AgentGet } from "../../contact_centre/rest/agent_get.ts";
import type { EndMapping } from "../resync/end_mapping.ts";
import type { KnownSessions } from "../resync/known_sessions.ts";
import type { ResyncDependencies, ResyncStore } from "../resync/resync_dependencies.ts";
import { catchUp } from "./catch_up.ts";
import type { ConnectionCounters } from "./counters.ts";
import type { NotificationQueue } from "./notification_queue.ts";

/** Where upstream's notifications are, and which to ask for. */
export interface Endpoint {
  /** The whole address. */
  readonly url: string;
  readonly channels: readonly string[];
}

/** What all connections of an instance share to begin a session and catch up. */
export interface SessionLifecycleDependencies {
  readonly endpoint: Endpoint;
  readonly newClient: () => CometD;
  readonly poller: Poller;
  /** Bounds how many begin a session and catch up at a time. */
  readonly startSlots: Semaphore;
  readonly credentials: UpstreamCredentials;
  readonly links: Pick<AgentLinks, "of">;
  readonly agentGet: AgentGet;
  readonly store: ResyncStore;
  readonly endMapping: EndMapping;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  readonly counters: ConnectionCounters;
}

export interface SessionLifecycleOptions {
  /** On whose behalf upstream is asked. */
  readonly agentId: string;
  /** Whose connection this is; null: all agents share it. */
  readonly owner: string | null;
  readonly known: KnownSessions;
  /** Takes what is heard and found out. */
  readonly queue: NotificationQueue;
  /** The agent's own header as its client last sent it; asked for at each request. */
  readonly clientAuthorization: () => string | null;
  readonly onLive: () => void;
  readonly onEnd: () => void;
  /** No further session is to be begun. */
  readonly closing: AbortSignal;
}

/** How a session ended, and how long after its handshake had begun. */
export interface EndedSession {
  readonly end: SessionEnd;
  readonly lastedMs: number;
}

/** Runs the CometD sessions of one connection, one after another. */
export interface SessionLifecycle {
  /**
   * Runs one session from its handshake to its end. `askFirst`: only if upstream takes the credentials for `/me`, too.
   */
  run(askFirst: boolean): Promise<EndedSession>;
  /** Whether the credentials have changed since the last session began. Never rejects. */
  hasOtherCredentials(): Promise<boolean>;
  /**
   * Ends the session that is running. One that is just about to begin does not, as what it would begin with is not good any
   * more. Resolves once nothing is under way.
   */
  close(): Promise<void>;
}

/** No session is running yet. */
export function createSessionLifecycle(
  dependencies: SessionLifecycleDependencies,
  options: SessionLifecycleOptions,
): SessionLifecycle {
  const { clock, random, log, counters } = dependencies;
  const { agentId, owner, known, queue, closing } = options;
  /** What the last session began with; null: nothing. */
  let authorization: string | null = null;
  let session: CometdSession | null = null;
  let hasCaughtUp = false;
  /** `close` was called since the session that is about to begin asked for its credentials. */
  let isClosed = false;

  async function run(askFirst: boolean): Promise<EndedSession> {
    // What was heard before is written first, so that the store knows it when it is asked for what it has not seen. No
    // slot is held meanwhile: others may get on while a shard of the store is away.
    await queue.idle();
    const releaseSlot = await dependencies.startSlots.acquire(closing);
    if (releaseSlot === null) return { end: { kind: "closed" }, lastedMs: 0 };
    try {
      return await runInSlot(askFirst, releaseSlot);
    } finally {
      releaseSlot();
    }
  }

  /** Calls `releaseSlot` as soon as the burst of first requests to upstream is over. */
  async function runInSlot(askFirst: boolean, releaseSlot: () => void): Promise<EndedSession> {
    const startedAtMs = clock.now();
    isClosed = false;
    const refusal = await prepare(askFirst);
    if (isClosed) return { end: { kind: "closed" }, lastedMs: 0 };
    if (refusal !== null) return { end: refusal, lastedMs: 0 };
    const link = dependencies.links.of(agentId, authorization);
    const over = new AbortController();
    queue.hold();
    hasCaughtUp = false;
    let catchingUp: Promise<void> = Promise.resolve();
    session = openCometdSession({
      client: dependencies.newClient(),
      ...dependencies.endpoint,
      poll: (request) =>
        dependencies.poller(request, {
          authorization: options.clientAuthorization() ?? authorization,
          link,
        }),
      clock,
      random,
      onNotification: queue.hear,
      onSubscribed() {
        counters.handshakes++;
        catchingUp = catchUpAndGoLive(over.signal, releaseSlot);
      },
      onChannelRefused: (channel, reason) =>
        log.warn("subscriber.channel_refused", { agentId, channel, reason }),
      onMalformed(count) {
        counters.malformed += count;
        log.debug("subscriber.malformed", { agentId, count });
      },
    });
    if (closing.aborted) void session.close();
    const end = await session.ended;
    over.abort();
    session = null;
    options.onEnd();
    await catchingUp;
    // What is held came after a gap that nobody has filled.
    if (!hasCaughtUp) queue.clear();
    return { end, lastedMs: clock.now() - startedAtMs };
  }

  /** Gets the credentials, and asks for `/me` where wanted. An end: a handshake makes no sense. */
  async function prepare(askFirst: boolean): Promise<SessionEnd | null> {
    authorization = null;
    try {
      authorization = await authorizationNow();
      if (!askFirst) return null;
      const answer = await ask(ME, "", closing);
      return isUnauthenticated(answer) ? { kind: "refused", why: `status ${answer.status}` } : null;
    } catch (error) {
      if (!(error instanceof PatchbayError)) throw error;
      return error instanceof NoUpstreamCredentials
        ? { kind: "unequipped", why: "no credentials" }
        : { kind: "failed", why: error.code };
    }
  }

  function authorizationNow(): Promise<string | null> {
    return dependencies.credentials.authorizationFor(agentId, options.clientAuthorization());
  }

  function ask(path: string, search: string, signal: AbortSignal) {
    const authorization = options.clientAuthorization();
    return dependencies.agentGet({ agentId, authorization, path, search, signal });
  }

  /** Brings in what was missed, then releases what was heard meanwhile. */
  async function catchUpAndGoLive(signal: AbortSignal, onTried: () => void): Promise<void> {
    const resyncDependencies: ResyncDependencies = {
      store: dependencies.store,
      endMapping: dependencies.endMapping,
      known,
      clock,
      ask: (path, search = "") => ask(path, search, signal),
      insert: queue.insert,
      held: queue.held,
      agentId: owner,
    };
    const isDone = await catchUp({
      dependencies: resyncDependencies,
      signal,
      onTried,
      clock,
      random,
      counters,
      log,
    });
    if (!isDone) return;
    queue.release();
    hasCaughtUp = true;
    options.onLive();
  }

  return {
    run,
    async hasOtherCredentials() {
      try {
        return await authorizationNow() !== authorization;
      } catch {
        // There are no credentials, or nobody can tell.
        return false;
      }
    },
    async close() {
      isClosed = true;
      await session?.close();
    },
  };
}
