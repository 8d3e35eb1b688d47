import type { CometD } from "cometd";
import type { Clock } from "../clock.ts";
import { PatchbayError } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { Publisher } from "../publisher.ts";
import type { SessionStore } from "../store/port.ts";
import { NoUpstreamCredentials, type UpstreamCredentials } from "../upstream/credentials.ts";
import { catchUp } from "./catch_up.ts";
import { type CometdSession, openCometdSession, type SessionEnd } from "./cometd_session.ts";
import type { SubscriberCounters } from "./counters.ts";
import type { Depart } from "./departures.ts";
import type { Gate } from "./gate.ts";
import type { Inquire } from "./inquiry.ts";
import { createIntake } from "./intake.ts";
import { createKnownSessions } from "./known_sessions.ts";
import { createNotificationWriter } from "./notification_writer.ts";
import { isUnauthenticated } from "./listing.ts";
import { pause } from "./pause.ts";
import type { Poller } from "./poll.ts";
import { countSetback, nextStep, NO_SETBACKS, type Setbacks, SETTLED_MS } from "./reconnecting.ts";

/** Where upstream's notifications are, and which to ask for. */
export interface Endpoint {
  /** The whole address. */
  readonly url: string;
  readonly channels: readonly string[];
}

/** What all connections of an instance share. */
export interface ConnectionDependencies {
  readonly endpoint: Endpoint;
  readonly newClient: () => CometD;
  readonly poller: Poller;
  /** For those who begin a session and catch up. */
  readonly gate: Gate;
  readonly credentials: UpstreamCredentials;
  readonly inquire: Inquire;
  readonly store: Pick<SessionStore, "listSessions" | "readSession" | "firstUnseenMessage">;
  readonly publisher: Pick<Publisher, "publishNotifications">;
  readonly depart: Depart;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly counters: SubscriberCounters;
}

export interface ConnectionOptions {
  /** On whose behalf upstream is asked. */
  readonly agentId: string;
  /** True: that agent stands for all of them (mode `basic`), and what is told concerns nobody in particular. */
  readonly isShared: boolean;
  /** How long to wait before the first handshake, so that many do not begin at once. */
  readonly startAfterMs: number;
  /** The agent's own header as its client last sent it; asked for at each request. */
  readonly clientAuthorization: () => string | null;
  /** False once another instance may be following. */
  readonly mayWrite: () => boolean;
  /** No session has been open for `idleMs`. Repeated for as long as that is so. */
  readonly onIdle: () => void;
  readonly idleMs: number;
}

/** `connecting` includes the waits between tries; `live`: what is published is heard, and what was missed is in the store. */
export type ConnectionState = "connecting" | "live" | "stopped";

/** Keeps one agent's notifications coming, from session to session, until it is closed or upstream says no. */
export interface Connection {
  /** On whose behalf. */
  readonly agentId: string;
  readonly state: ConnectionState;
  /** Sessions heard of that are not over. */
  readonly openSessions: number;
  /** Goes on at once, with a clean slate: the credentials are new, or the agent has just been let in with the old ones. */
  encourage(): void;
  close(): Promise<void>;
}

/** Connects at once, or after `startAfterMs`. */
export function createConnection(
  dependencies: ConnectionDependencies,
  options: ConnectionOptions,
): Connection {
  const { clock, random, log, counters } = dependencies;
  const { agentId } = options;
  const owner = options.isShared ? null : agentId;
  const known = createKnownSessions(clock);
  const closing = new AbortController();
  /** Ends a wait. */
  let nudge = new AbortController();
  let setbacks = NO_SETBACKS;
  let authorizationOfSession: string | null = null;
  let state: ConnectionState = "connecting";
  let session: CometdSession | null = null;
  let hasCaughtUp = false;
  let idleSinceMs = clock.now();
  let idleTimer = clock.after(options.idleMs, noticeIdleness);

  const intake = createIntake({
    write: createNotificationWriter({
      publisher: dependencies.publisher,
      depart: dependencies.depart,
      known,
      agentId: owner,
      mayWrite: options.mayWrite,
      counters,
      log,
    }),
    onOverflow() {
      counters.overflows++;
      log.warn("subscriber.overflow", { agentId });
      void session?.close();
    },
    clock,
    random,
  });

  async function run(): Promise<void> {
    await pause(clock, options.startAfterMs, nudge.signal);
    let askFirst = true;
    while (!closing.signal.aborted) {
      const { end, lastedMs } = await live(askFirst);
      if (closing.signal.aborted) break;
      if (lastedMs >= SETTLED_MS) setbacks = NO_SETBACKS;
      setbacks = countSetback(setbacks, end);
      // An overflow: what is there is written first, by and by, and the rest asked for.
      const step = end.kind === "closed"
        ? { kind: "reconnect" as const, afterMs: 0, askFirst: false }
        : nextStep(end, setbacks, random);
      if (step.kind === "stop") {
        await giveUp(step.why, setbacks.refusals);
        setbacks = NO_SETBACKS;
        askFirst = true;
        continue;
      }
      tell(end, setbacks);
      askFirst = step.askFirst;
      await pause(clock, step.afterMs, nudge.signal);
    }
    state = "stopped";
  }

  /** One session, from its handshake to its end. */
  async function live(askFirst: boolean): Promise<{ end: SessionEnd; lastedMs: number }> {
    const leave = await dependencies.gate.enter(closing.signal);
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
          authorization: options.clientAuthorization() ?? authorizationOfSession,
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
    if (closing.signal.aborted) void session.close();
    const end = await session.ended;
    over.abort();
    session = null;
    if (state === "live") state = "connecting";
    await catchingUp;
    // It stands behind a gap that nobody has filled.
    if (!hasCaughtUp) intake.clear();
    return { end, lastedMs: clock.now() - startedAtMs };
  }

  /** What has to be so before a handshake makes sense; an end, where it is not. */
  async function prepare(askFirst: boolean): Promise<SessionEnd | null> {
    // What was heard before is written first, so that the store knows it when it is asked for what it has not seen.
    await intake.idle();
    try {
      authorizationOfSession = await dependencies.credentials.authorizationFor(
        agentId,
        options.clientAuthorization(),
      );
      if (!askFirst) return null;
      const answer = await ask("/me", "", closing.signal);
      return isUnauthenticated(answer) ? { kind: "refused", why: `status ${answer.status}` } : null;
    } catch (error) {
      if (!(error instanceof PatchbayError)) throw error;
      return error instanceof NoUpstreamCredentials
        ? { kind: "refused", why: "no credentials" }
        : { kind: "failed", why: error.code };
    }
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
    const options = { dependencies: dependenciesOfResync, signal, onTried };
    if (!await catchUp({ ...dependencies, ...options })) return;
    intake.release();
    hasCaughtUp = true;
    state = "live";
    log.info("subscriber.live", { agentId });
  }

  function tell(end: SessionEnd, { failures, refusals }: Setbacks): void {
    switch (end.kind) {
      case "lost":
        counters.sessionsLost++;
        log.info("subscriber.session_lost", { agentId });
        break;
      case "refused":
        counters.refusals++;
        log.debug("subscriber.turned_down", { agentId, reason: end.why, times: refusals });
        break;
      case "failed":
        counters.failures++;
        // Once per outage: with hundreds of agents an upstream that is down would fill the log.
        (failures === 1 ? log.warn : log.debug)("subscriber.failed", { agentId, reason: end.why });
        break;
      case "csrf":
      case "dismissed":
      case "closed":
        break;
    }
  }

  /** Upstream does not want this agent: the operator is told, and nothing is tried until there is a reason to. */
  async function giveUp(why: string, refusals: number): Promise<void> {
    if (refusals > 0) counters.refusals++;
    counters.stopped++;
    state = "stopped";
    log.error("subscriber.refused", { agentId, reason: why, tries: Math.max(1, refusals) });
    await pause(clock, Infinity, nudge.signal);
    if (!closing.signal.aborted) state = "connecting";
  }

  function noticeIdleness(): void {
    const nowMs = clock.now();
    if (known.ids().length > 0 || state !== "live") idleSinceMs = nowMs;
    else if (nowMs - idleSinceMs >= options.idleMs) options.onIdle();
    idleTimer = clock.after(options.idleMs / 4, noticeIdleness);
  }

  const running = run().catch((error: unknown) => {
    state = "stopped";
    counters.stopped++;
    log.error("subscriber.broken", { agentId, error: String(error) });
  });

  return {
    agentId,
    get state() {
      return state;
    },
    get openSessions() {
      return known.ids().length;
    },
    encourage() {
      setbacks = NO_SETBACKS;
      const waited = nudge;
      nudge = new AbortController();
      waited.abort();
    },
    async close() {
      closing.abort();
      nudge.abort();
      idleTimer.cancel();
      await session?.close();
      await intake.stop();
      await running;
    },
  };
}
