import type { Publisher } from "../../events/publisher.ts";
import { type AttemptDependencies, createAttempts } from "./session_lifecycle.ts";
import type { SessionEnd } from "../cometd/cometd_session.ts";
import { createIntake } from "./notification_queue.ts";
import { createKnownSessions } from "../resync/known_sessions.ts";
import { createNotificationWriter } from "../resync/notification_writer.ts";
import { pause } from "../../support/clock.ts";
import { countSetback, nextStep, NO_SETBACKS, type Setbacks, SETTLED_MS } from "./reconnecting.ts";

/** What all connections of an instance share. */
export interface ConnectionDependencies extends AttemptDependencies {
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

/** How often it is looked whether an agent whom upstream has turned away has left other credentials with another instance. */
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
  /** Ends a wait. */
  let nudge = new AbortController();
  let setbacks = NO_SETBACKS;
  let state: ConnectionState = "connecting";
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
      void attempts.close();
    },
    clock,
    random,
  });
  const attempts = createAttempts(dependencies, {
    ...options,
    owner,
    known,
    intake,
    onLive: () => state = "live",
    onEnd() {
      if (state === "live") state = "connecting";
    },
    closing: closing.signal,
  });

  async function run(): Promise<void> {
    await pause(clock, options.startAfterMs, nudge.signal);
    let askFirst = true;
    while (!closing.signal.aborted) {
      const { end, lastedMs } = await attempts.live(askFirst);
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
    const { signal } = nudge;
    do await pause(clock, LOOK_FOR_CREDENTIALS_MS, signal); while (
      !signal.aborted && !await attempts.hasOtherCredentials()
    );
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
      await attempts.close();
      await intake.stop();
      await running;
    },
  };
}
