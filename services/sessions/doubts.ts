import type { Membership } from "../contact_centre/dialect/membership.ts";
import type { Look, SessionLook } from "../contact_centre/rest/session_look.ts";
import type { Clock, Timer } from "../support/clock.ts";
import type { Logger } from "../support/log.ts";
import { type Finding, findingOf } from "./doubt_rules.ts";
import type { OperationCall } from "./session_call.ts";

/** An operation that upstream may or may not have done, as its answer got lost. */
export interface Doubt {
  readonly call: OperationCall;
  /** The name under which the agent is in the session, or would be; null: not known. */
  readonly nickname: string | null;
  /** When the operation was sent (Unix milliseconds). */
  readonly sentAtMs: number;
  /** Until when upstream is looked at. */
  readonly untilMs: number;
  /** Does what a finding means for the mapping; `open` is never handed over. Must not throw. */
  settle(finding: Exclude<Finding, "open">, look: Look): Promise<void>;
}

/**
 * The operations in doubt of one instance. Upstream is looked at until it shows what became of them: by itself, with the
 * credentials that came with the operation, and at once when somebody has a reason to ask. A doubt is kept in memory: when
 * the process dies it ends with its claim, or by the agent's next try.
 */
export interface Doubts {
  /** Takes an operation in doubt; an older one of the same agent in the same session is no longer looked after. */
  add(doubt: Doubt): void;
  of(sessionId: string, agentId: string): Doubt | undefined;
  /** The doubt is over: the agent's next operation has told. */
  drop(sessionId: string, agentId: string): void;
  /** Looks at upstream now, no longer than {@link LOOK_MS}, and settles the doubt if that shows it. */
  lookNow(doubt: Doubt): Promise<Finding>;
  /**
   * Something about the session was heard; `membershipOf` reads from it what the agent of a doubt is to the session. That the
   * agent is in it settles the doubt, before this resolves. Anything else may have been told to another agent, or before the
   * operation, and is a reason to look and no more.
   */
  heard(sessionId: string, membershipOf: (doubt: Doubt) => Membership): Promise<void>;
  /** Looks once more at each and then gives up; resolves when that is done. For the drain. */
  settled(): Promise<void>;
}

/** A look takes no longer. An agent may wait for it. */
export const LOOK_MS = 2_000;

/** How long after the answer was given up the first look comes; each further one comes after twice as long. */
export const FIRST_LOOK_MS = 1_000;
const LONGEST_PAUSE_MS = 16_000;

/** More at once are a contact centre that is away as a whole. The oldest then waits for its agent's next try. */
const MAX_DOUBTS = 10_000;

interface Watched {
  readonly doubt: Doubt;
  looks: number;
  timer: Timer | null;
  /** A look that something heard has led to: one at a time is enough. */
  isLooking: boolean;
}

export function createDoubts(
  { look, clock, log }: {
    readonly look: SessionLook;
    readonly clock: Clock;
    readonly log: Logger;
  },
): Doubts {
  const bySession = new Map<string, Map<string, Watched>>();
  const underWay = new Set<Promise<unknown>>();
  let count = 0;

  function find({ call: { sessionId, agentId } }: Doubt): Watched | undefined {
    return bySession.get(sessionId)?.get(agentId);
  }

  function drop(sessionId: string, agentId: string): void {
    const agents = bySession.get(sessionId);
    const watched = agents?.get(agentId);
    if (agents === undefined || watched === undefined) return;
    watched.timer?.cancel();
    agents.delete(agentId);
    if (agents.size === 0) bySession.delete(sessionId);
    count--;
  }

  function dropOldest(): void {
    for (const [sessionId, agents] of bySession) {
      for (const agentId of agents.keys()) return drop(sessionId, agentId);
    }
  }

  function schedule(watched: Watched): void {
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_LOOK_MS * 2 ** watched.looks);
    if (clock.now() + pauseMs >= watched.doubt.untilMs) return giveUp(watched);
    watched.timer = clock.after(pauseMs, () => void track(lookAgain(watched)));
  }

  function giveUp({ doubt: { call: { sessionId, agentId, operation } } }: Watched): void {
    drop(sessionId, agentId);
    log.warn("session.doubt_remains", { sessionId, agentId, operation: operation.name });
  }

  async function lookAgain(watched: Watched): Promise<void> {
    watched.looks++;
    await lookNow(watched.doubt);
    if (find(watched.doubt) === watched) schedule(watched);
  }

  async function lookNow(doubt: Doubt): Promise<Finding> {
    const seen = await seenUpstream(doubt);
    return seen === null ? "open" : await take(doubt, seen);
  }

  /** Settles the doubt by what was seen of its agent. */
  async function take(doubt: Doubt, seen: Look): Promise<Finding> {
    const { sessionId, agentId, operation } = doubt.call;
    const finding = findingOf(operation.effect, seen.membership);
    if (finding === "open") return finding;
    if (finding !== "not-yet" && find(doubt)?.doubt === doubt) drop(sessionId, agentId);
    if (finding === "done") {
      log.info("session.doubt_settled", { sessionId, agentId, operation: operation.name });
    }
    await doubt.settle(finding, seen);
    return finding;
  }

  async function seenUpstream({ call, nickname }: Doubt): Promise<Look | null> {
    const { agentId, sessionId, request } = call;
    const { authorization, authorizationExpiresAtMs } = request;
    if ((authorizationExpiresAtMs ?? Infinity) <= clock.now()) return null;
    const tooLong = new AbortController();
    const timer = clock.after(LOOK_MS, () => tooLong.abort());
    try {
      return await look({ agentId, sessionId, nickname, authorization, signal: tooLong.signal });
    } catch (error) {
      log.debug("session.look_failed", { sessionId, agentId, error: String(error) });
      return null;
    } finally {
      timer.cancel();
    }
  }

  function track<T>(work: Promise<T>): Promise<T> {
    const tracked = work.finally(() => underWay.delete(tracked));
    underWay.add(tracked);
    return tracked;
  }

  return {
    add(doubt) {
      const { sessionId, agentId } = doubt.call;
      drop(sessionId, agentId);
      if (count >= MAX_DOUBTS) dropOldest();
      const agents = bySession.get(sessionId) ?? new Map<string, Watched>();
      bySession.set(sessionId, agents);
      const watched = { doubt, looks: 0, timer: null, isLooking: false };
      agents.set(agentId, watched);
      count++;
      schedule(watched);
    },
    of: (sessionId, agentId) => bySession.get(sessionId)?.get(agentId)?.doubt,
    drop,
    lookNow: (doubt) => track(lookNow(doubt)),
    async heard(sessionId, membershipOf) {
      for (const watched of [...bySession.get(sessionId)?.values() ?? []]) {
        const { doubt } = watched;
        const membership = membershipOf(doubt);
        if (membership === "in" && findingOf(doubt.call.operation.effect, membership) === "done") {
          await track(take(doubt, { membership, dateMs: null }));
        } else if (membership !== "unknown" && !watched.isLooking) {
          watched.isLooking = true;
          void track(lookNow(doubt)).finally(() => watched.isLooking = false);
        }
      }
    },
    async settled() {
      const all = [...bySession.values()].flatMap((agents) => [...agents.values()]);
      for (const { timer } of all) timer?.cancel();
      await Promise.all(all.map(({ doubt }) => track(lookNow(doubt))));
      for (const { doubt: { call } } of all) drop(call.sessionId, call.agentId);
      await Promise.all(underWay);
    },
  };
}
