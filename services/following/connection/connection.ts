import { pause } from "../../support/clock.ts";
import type { Publisher } from "../../events/publisher.ts";
import type { SessionEnd } from "../cometd/session_end.ts";
import { createKnownSessions } from "../resync/known_sessions.ts";
import { createNotificationWriter } from "../resync/notification_writer.ts";
import { createNotificationQueue } from "./notification_queue.ts";
import { countSetback, nextStep, NO_SETBACKS, type Setbacks, SETTLED_MS } from "./reconnecting.ts";
import { createSessionLifecycle, type SessionLifecycleDependencies } from "./session_lifecycle.ts";

// One connection's states, and what leads from one to the other:
//
//   connecting -> live         a session is subscribed to, and what was missed is in the store (or cannot be had)
//   live       -> connecting   the session has ended; reconnecting.ts says when the next one begins
//   connecting -> stopped      upstream has turned the agent away for good (reconnecting.ts)
//   stopped    -> connecting   `retryNow`, or the agent has left other credentials, which is looked for every minute
//   any        -> stopped      `close`, or a fault of ours

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
}

/** `connecting` includes the waits between tries; `live`: what is published is heard, and what was missed is in the store. */
export type ConnectionState = "connecting" | "live" | "stopped";

/** Keeps one agent's notifications coming, from session to session, until it is closed or upstream turns the agent away. */
export interface Connection {
  /** On whose behalf. */
  readonly agentId: string;
  readonly state: ConnectionState;
  /** How many of the sessions that it has heard of are not over. */
  readonly openSessions: number;
  /**
   * Goes on at once, and forgets earlier setbacks: the credentials are new, or upstream has just let the agent in with the
   * old ones.
   */
  retryNow(): void;
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
  const owner = options.isShared ? null : agentId;
  const known = createKnownSessions(clock);
  const closing = new AbortController();
  /** Aborted to end a wait. */
  let waiting = new AbortController();
  let setbacks = NO_SETBACKS;
  let state: ConnectionState = "connecting";
  let idleSinceMs = clock.now();
  let idleTimer = clock.after(options.idleMs, noticeIdleness);

  const queue = createNotificationQueue({
    write: createNotificationWriter({
      publisher: dependencies.publisher,
      endMapping: dependencies.endMapping,
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
    onLive: () => state = "live",
    onEnd() {
      if (state === "live") state = "connecting";
    },
    closing: closing.signal,
  });

  async function run(): Promise<void> {
    await pause(clock, options.startAfterMs, waiting.signal);
    let askFirst = true;
    while (!closing.signal.aborted) {
      const { end, lastedMs } = await lifecycle.run(askFirst);
      if (closing.signal.aborted) break;
      if (lastedMs >= SETTLED_MS) setbacks = NO_SETBACKS;
      setbacks = countSetback(setbacks, end);
      // Closed by an overflow: the next session begins once the queue is written, and asks for the rest.
      const step = end.kind === "closed"
        ? { kind: "reconnect" as const, afterMs: 0, askFirst: false }
        : nextStep(end, setbacks, random);
      if (step.kind === "stop") {
        await giveUp(step.why, setbacks.refusals);
        setbacks = NO_SETBACKS;
        askFirst = true;
        continue;
      }
      report(end, setbacks);
      askFirst = step.askFirst;
      await pause(clock, step.afterMs, waiting.signal);
    }
    state = "stopped";
  }

  function report(end: SessionEnd, { failures, refusals }: Setbacks): void {
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
        // One warning per outage: with hundreds of agents an upstream that is down would fill the log.
        (failures === 1 ? log.warn : log.debug)("subscriber.failed", { agentId, reason: end.why });
        break;
      case "csrf":
      case "dismissed":
      case "closed":
        break;
    }
  }

  /** Tells the operator that upstream does not want this agent, and waits until there is a reason to try again. */
  async function giveUp(why: string, refusals: number): Promise<void> {
    if (refusals > 0) counters.refusals++;
    counters.stopped++;
    state = "stopped";
    log.error("subscriber.refused", { agentId, reason: why, tries: Math.max(1, refusals) });
    const { signal } = waiting;
    do {
      await pause(clock, LOOK_FOR_CREDENTIALS_MS, signal);
    } while (!signal.aborted && !await lifecycle.hasOtherCredentials());
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
    retryNow() {
      setbacks = NO_SETBACKS;
      const ended = waiting;
      waiting = new AbortController();
      ended.abort();
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
