import type { CometD } from "cometd";
import type { Clock } from "../../support/clock.ts";
import { PatchbayError } from "../../errors.ts";
import type { Logger } from "../../support/log.ts";
import type { SessionStore } from "../../store/port/sessions.ts";
import {
  NoUpstreamCredentials,
  type UpstreamCredentials,
} from "../../contact_centre/rest/credentials.ts";
import { catchUp } from "./catch_up.ts";
import {
  type CometdSession,
  openCometdSession,
  type SessionEnd,
} from "../cometd/cometd_session.ts";
import type { SubscriberCounters } from "./counters.ts";
import type { Depart } from "../resync/end_mapping.ts";
import type { Gate } from "../../support/semaphore.ts";
import type { Inquire } from "../resync/agent_get.ts";
import type { Intake } from "./notification_queue.ts";
import type { KnownSessions } from "../resync/known_sessions.ts";
import { ME } from "../../contact_centre/dialect/paths.ts";
import { isUnauthenticated } from "../../contact_centre/dialect/verdict.ts";
import type { Poller } from "../cometd/poll.ts";

/** Where upstream's notifications are, and which to ask for. */
export interface Endpoint {
  /** The whole address. */
  readonly url: string;
  readonly channels: readonly string[];
}

/** What all connections of an instance share to begin a session and catch up. */
export interface AttemptDependencies {
  readonly endpoint: Endpoint;
  readonly newClient: () => CometD;
  readonly poller: Poller;
  /** For those who begin a session and catch up. */
  readonly gate: Gate;
  readonly credentials: UpstreamCredentials;
  readonly inquire: Inquire;
  readonly store: Pick<SessionStore, "listSessions" | "readSession" | "firstUnseenMessage">;
  readonly depart: Depart;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly counters: SubscriberCounters;
}

export interface AttemptOptions {
  /** On whose behalf upstream is asked. */
  readonly agentId: string;
  /** Whose connection this is; null: all agents share it. */
  readonly owner: string | null;
  readonly known: KnownSessions;
  /** Where what is heard and found out goes. */
  readonly intake: Intake;
  /** The agent's own header as its client last sent it; asked for at each request. */
  readonly clientAuthorization: () => string | null;
  readonly onLive: () => void;
  readonly onEnd: () => void;
  /** No further session is to be begun. */
  readonly closing: AbortSignal;
}

/** Sessions of one agent, one after another. */
export interface Attempts {
  /** One session, from its handshake to its end. `askFirst`: only if upstream takes the credentials elsewhere, too. */
  live(askFirst: boolean): Promise<{ readonly end: SessionEnd; readonly lastedMs: number }>;
  /** Whether the credentials are others by now than those of the last attempt. Never rejects. */
  hasOtherCredentials(): Promise<boolean>;
  /** Ends the session that there is. */
  close(): Promise<void>;
}

/** None yet. */
export function createAttempts(
  dependencies: AttemptDependencies,
  options: AttemptOptions,
): Attempts {
  const { clock, random, log, counters } = dependencies;
  const { agentId, owner, known, intake, closing } = options;
  /** What the last session began with; null: nothing. */
  let authorization: string | null = null;
  let session: CometdSession | null = null;
  let hasCaughtUp = false;

  async function live(askFirst: boolean): Promise<{ end: SessionEnd; lastedMs: number }> {
    // What was heard before is written first, so that the store knows it when it is asked for what it has not seen. Not
    // inside the gate: others may get on while a shard of the store is away.
    await intake.idle();
    const leave = await dependencies.gate.enter(closing);
    if (leave === null) return { end: { kind: "closed" }, lastedMs: 0 };
    try {
      return await liveInside(askFirst, leave);
    } finally {
      leave();
    }
  }

  /** `leave` is called as soon as nothing more is asked of upstream at once. */
  async function liveInside(
    askFirst: boolean,
    leave: () => void,
  ): Promise<{ end: SessionEnd; lastedMs: number }> {
    const startedAtMs = clock.now();
    const refusal = await prepare(askFirst);
    if (refusal !== null) return { end: refusal, lastedMs: 0 };
    const over = new AbortController();
    intake.hold();
    hasCaughtUp = false;
    let catchingUp: Promise<void> = Promise.resolve();
    session = openCometdSession({
      client: dependencies.newClient(),
      ...dependencies.endpoint,
      poll: (request) =>
        dependencies.poller(request, {
          agentId,
          authorization: options.clientAuthorization() ?? authorization,
        }),
      clock,
      random,
      onNotification: intake.hear,
      onSubscribed() {
        counters.handshakes++;
        catchingUp = comeToLife(over.signal, leave);
      },
      onChannelRefused: (channel) => log.warn("subscriber.channel_refused", { agentId, channel }),
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
    // It stands behind a gap that nobody has filled.
    if (!hasCaughtUp) intake.clear();
    return { end, lastedMs: clock.now() - startedAtMs };
  }

  /** What has to be so before a handshake makes sense; an end, where it is not. */
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
        ? { kind: "refused", why: "no credentials" }
        : { kind: "failed", why: error.code };
    }
  }

  function authorizationNow(): Promise<string | null> {
    return dependencies.credentials.authorizationFor(agentId, options.clientAuthorization());
  }

  function ask(path: string, search: string, signal: AbortSignal) {
    const authorization = options.clientAuthorization();
    return dependencies.inquire({ agentId, authorization, path, search, signal });
  }

  /** Brings in what was missed, then lets go what was heard meanwhile. */
  async function comeToLife(signal: AbortSignal, onTried: () => void): Promise<void> {
    const dependenciesOfResync = {
      store: dependencies.store,
      depart: dependencies.depart,
      known,
      clock,
      ask: (path: string, search = "") => ask(path, search, signal),
      insert: intake.insert,
      held: intake.held,
      agentId: owner,
    };
    const ways = { dependencies: dependenciesOfResync, signal, onTried };
    if (!await catchUp({ ...dependencies, ...ways })) return;
    intake.release();
    hasCaughtUp = true;
    options.onLive();
    log.info("subscriber.live", { agentId });
  }

  return {
    live,
    async hasOtherCredentials() {
      try {
        return await authorizationNow() !== authorization;
      } catch {
        // There are none, or nobody can tell.
        return false;
      }
    },
    async close() {
      await session?.close();
    },
  };
}
