import { pause } from "../../support/clock.ts";
import type { Publisher } from "../../events/publisher.ts";
import type { SessionEnd } from "../cometd/session_end.ts";
import { createKnownSessions } from "../resync/known_sessions.ts";
import { createNotificationWriter } from "../resync/notification_writer.ts";
import { createNotificationQueue } from "./notification_queue.ts";
import { createConnectionReport } from "./report.ts";
import { countSetback, type NextStep, nextStep, NO_SETBACKS, SETTLED_MS } from "./reconnecting.ts";
import {
  createSessionLifecycle,
  type EndedSession,
  type SessionLifecycleDependencies,
} from "./session_lifecycle.ts";

// One connection's states, and what leads from one to the other:
//
//   any        -> live         a session is subscribed to, and what was missed is in the store (or cannot be had)
//   live       -> connecting   the session has ended; reconnecting.ts says when the next one begins
//   any        -> refused      upstream has turned the agent away; it stays so through all probes
//   refused    -> connecting   a try has ended otherwise, so that it is not the agent whom upstream does not want
//   any        -> waiting      the agent has left no credentials
//
// What is waited for while upstream does not want the agent, or there are no credentials, ends early with `retryNow`, and
// when the agent has left other credentials, which is looked for every minute. Only `close` ends a connection.

/** What all connections of an instance share. */
export interface ConnectionDependencies extends SessionLifecycleDependencies {
  readonly publisher: Pick<Publisher, "publishNotifications">;
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
  /** False: another instance may be following by now. */
  readonly mayWrite: () => boolean;
  /** No session of the contact centre has been open for `idleMs`. Called again for as long as that is so. */
  readonly onIdle: () => void;
  readonly idleMs: number;
  /** Upstream turns the agent away so clearly that it is only probed, or it is heard again. */
  readonly onRefused: (isRefused: boolean) => void;
}

/** `connecting` includes the waits between tries; `live`: what is published is heard, and what was missed is in the store. */
export type ConnectionState = "connecting" | "live" | "refused" | "waiting";

/** Keeps one agent's notifications coming, from session to session, until it is closed. */
export interface Connection {
  /** On whose behalf. */
  readonly agentId: string;
  readonly state: ConnectionState;
  /** Since when nothing is heard (Unix milliseconds); null: it is live. */
  readonly deafSinceMs: number | null;
  /** How many of the sessions that it has heard of are not over. */
  readonly openSessions: number;
  /**
   * Goes on at once, and forgets earlier setbacks: the credentials are new, or upstream has just let the agent in with the
   * old ones.
   */
  retryNow(): void;
  /**
   * The agent has other credentials, or none any more: the session that began with the old ones ends, and the next begins at
   * once. Resolves when nothing carries the old ones any more.
   */
  credentialsChanged(): Promise<void>;
  close(): Promise<void>;
}

/** An agent whom upstream has turned away may have left other credentials with another instance: how often to look. */
const LOOK_FOR_CREDENTIALS_MS = 60_000;

/** Connects at once, or after `startAfterMs`. */
export function createConnection(
  dependencies: ConnectionDependencies,
  options: ConnectionOptions,
): Connection {
  const { clock, random, log, counters } = dependencies;
  const { agentId } = options;
  const report = createConnectionReport({ agentId, log, counters });
  const owner = options.isShared ? null : agentId;
  const known = createKnownSessions(clock);
  const closing = new AbortController();
  /** Aborted to end a wait. */
  let waiting = new AbortController();
  let setbacks = NO_SETBACKS;
  let hasNewCredentials = false;
  let state: ConnectionState = "connecting";
  let deafSinceMs: number | null = clock.now();
  let idleSinceMs = clock.now();
  let idleTimer = clock.after(options.idleMs, noticeIdleness);

  const queue = createNotificationQueue({
    write: createNotificationWriter({
      publisher: dependencies.publisher,
      known,
      agentId: owner,
      mayWrite: options.mayWrite,
      counters,
      log,
    }),
    onOverflow() {
      counters.overflows++;
      log.warn("subscriber.overflow", { agentId });
      void lifecycle.close();
    },
    clock,
    random,
  });
  const lifecycle = createSessionLifecycle(dependencies, {
    ...options,
    owner,
    known,
    queue,
    onLive() {
      state = "live";
      deafSinceMs = null;
      report.live();
      options.onRefused(false);
    },
    onEnd() {
      if (state !== "live") return;
      state = "connecting";
      deafSinceMs = clock.now();
    },
    closing: closing.signal,
  });

  async function run(): Promise<void> {
    await pause(clock, options.startAfterMs, waiting.signal);
    let askFirst = true;
    while (!closing.signal.aborted) {
      const { end, lastedMs } = await runSession(askFirst);
      if (closing.signal.aborted) return;
      if (lastedMs >= SETTLED_MS) setbacks = NO_SETBACKS;
      setbacks = countSetback(setbacks, end);
      report.ended(end, setbacks);
      // Closed by an overflow: the next session begins once the queue is written, and asks for the rest. Or closed for other
      // credentials, with which it begins, and whose CSRF token it does not have yet.
      const step: NextStep = end.kind === "closed"
        ? { kind: "reconnect", afterMs: 0, askFirst: hasNewCredentials }
        : nextStep(end, setbacks, random);
      state = stateAfter(end, step);
      hasNewCredentials = false;
      await waitFor(step);
      askFirst = step.kind !== "reconnect" || step.askFirst;
    }
  }

  async function runSession(askFirst: boolean): Promise<EndedSession> {
    try {
      return await lifecycle.run(askFirst);
    } catch (error) {
      // A fault of ours may well be over with the answer that has brought it to light.
      log.error("subscriber.broken", { agentId, error: String(error) });
      return { end: { kind: "failed", why: "a fault of Patchbay" }, lastedMs: 0 };
    }
  }

  async function waitFor(step: NextStep): Promise<void> {
    switch (step.kind) {
      case "reconnect":
        return await pause(clock, step.afterMs, waiting.signal);
      case "probe":
        report.refused(step.why, setbacks);
        options.onRefused(true);
        await pauseUntilOtherCredentials(step.afterMs);
        if (!closing.signal.aborted) report.probing(step.why);
        return;
      case "wait":
        report.waiting(step.why);
        return await pauseUntilOtherCredentials(Infinity);
    }
  }

  /** Waits for so long, or until there are credentials that upstream has not seen, or until `retryNow`. */
  async function pauseUntilOtherCredentials(ms: number): Promise<void> {
    const { signal } = waiting;
    const endMs = clock.now() + ms;
    while (!signal.aborted && clock.now() < endMs) {
      await pause(clock, Math.min(endMs - clock.now(), LOOK_FOR_CREDENTIALS_MS), signal);
      if (!signal.aborted && await lifecycle.hasOtherCredentials()) {
        setbacks = NO_SETBACKS;
        return;
      }
    }
  }

  function noticeIdleness(): void {
    const nowMs = clock.now();
    if (known.ids().length > 0 || state !== "live") idleSinceMs = nowMs;
    else if (nowMs - idleSinceMs >= options.idleMs) options.onIdle();
    idleTimer = clock.after(options.idleMs / 4, noticeIdleness);
  }

  function retryNow(): void {
    setbacks = NO_SETBACKS;
    const ended = waiting;
    waiting = new AbortController();
    ended.abort();
  }

  const running = run();

  return {
    agentId,
    get state() {
      return state;
    },
    get deafSinceMs() {
      return deafSinceMs;
    },
    get openSessions() {
      return known.ids().length;
    },
    retryNow,
    async credentialsChanged() {
      hasNewCredentials = true;
      await lifecycle.close();
      retryNow();
    },
    async close() {
      closing.abort();
      waiting.abort();
      idleTimer.cancel();
      await lifecycle.close();
      await queue.stop();
      await running;
    },
  };
}

function stateAfter(end: SessionEnd, step: NextStep): ConnectionState {
  if (step.kind === "wait") return "waiting";
  return step.kind === "probe" || end.kind === "refused" ? "refused" : "connecting";
}
