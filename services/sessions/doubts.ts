import type { Membership } from "../contact_centre/dialect/membership.ts";
import type { Look, SessionLook } from "../contact_centre/rest/session_look.ts";
import type { Clock, Timer } from "../support/clock.ts";
import type { Logger } from "../support/log.ts";
import type { Doubt } from "./doubt.ts";
import type { DoubtBook } from "./doubt_book.ts";
import { type Finding, findingOf } from "./doubt_rules.ts";
import type { Place } from "./place.ts";
import type { Settle } from "./settlement.ts";

/**
 * The operations in doubt, as their answers got lost. Upstream is looked at until it shows what became of them: by itself, with
 * the credentials that came with the operation, and at once when somebody has a reason to ask. The instance that sent an operation
 * looks after it; should it die, the next one that starts does (`doubt_book.ts`).
 */
export interface Doubts {
  /** The operation is about to be sent: what is heard from now on counts, also if that is before its answer gets lost. */
  sent(doubt: Doubt): SentOperation;
  /**
   * Takes an operation in doubt; an older one of the same agent in the same session is no longer looked after. Resolves when
   * the store knows, or cannot be told at present.
   */
  add(doubt: Doubt): Promise<void>;
  of(sessionId: string, agentId: string): Doubt | undefined;
  /** The doubt is over: the agent's next operation has told. */
  drop(sessionId: string, agentId: string): void;
  /** Looks at upstream now, no longer than {@link LOOK_MS}, and settles the doubt if that shows it. */
  lookNow(doubt: Doubt): Promise<Finding>;
  /** The agent is in the session for sure, which settles the doubt if it says anything of it. */
  shown(doubt: Doubt, by?: Pick<Look, "dateMs">): Promise<Finding>;
  /**
   * Something about the session was heard; `membershipOf` reads from it what the agent of a doubt is to the session. That the
   * agent is in it settles the doubt, before this resolves. Anything else may have been told to another agent, or before the
   * operation, and is a reason to look and no more.
   */
  heard(sessionId: string, membershipOf: (doubt: Doubt) => Membership): Promise<void>;
  /** Takes up what an instance that is gone, or is about to go, has left in doubt. Throws `StoreUnavailable`. */
  takeUp(): Promise<void>;
  /** Looks once more at each and then leaves it to the next instance; resolves when that is done. For the drain. */
  settled(): Promise<void>;
}

/** An operation on its way to upstream and back. */
export interface SentOperation {
  /** Whether something that was heard meanwhile has shown that it was done. */
  readonly isShownDone: boolean;
  /** Its answer has come, or is given up. */
  over(): void;
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
  /** Another instance sent the operation, and may have learnt what became of it. */
  readonly isTakenUp: boolean;
  looks: number;
  timer: Timer | null;
  /** A look that something heard has led to: one at a time is enough. */
  isLooking: boolean;
}

interface Sent {
  readonly doubt: Doubt;
  isShownDone: boolean;
}

export function createDoubts(
  { look, settle, book, clock, log }: {
    readonly look: SessionLook;
    readonly settle: Settle;
    readonly book: DoubtBook;
    readonly clock: Clock;
    readonly log: Logger;
  },
): Doubts {
  const bySession = new Map<string, Map<string, Watched>>();
  const onTheirWay = new Map<string, Set<Sent>>();
  const underWay = new Set<Promise<unknown>>();
  let count = 0;

  function find({ sessionId, agentId }: Place): Watched | undefined {
    return bySession.get(sessionId)?.get(agentId);
  }

  /** This instance looks after it no longer. */
  function leave({ sessionId, agentId }: Place): void {
    const agents = bySession.get(sessionId);
    const watched = agents?.get(agentId);
    if (agents === undefined || watched === undefined) return;
    watched.timer?.cancel();
    agents.delete(agentId);
    if (agents.size === 0) bySession.delete(sessionId);
    count--;
  }

  function drop(place: Place): void {
    const watched = find(place);
    if (watched === undefined) return;
    leave(place);
    void track(book.forget(place, watched.doubt.untilMs));
  }

  function leaveOldest(): void {
    for (const [sessionId, agents] of bySession) {
      for (const agentId of agents.keys()) return leave({ sessionId, agentId });
    }
  }

  function watch(doubt: Doubt, how: Pick<Watched, "isTakenUp">): void {
    leave(doubt);
    if (count >= MAX_DOUBTS) leaveOldest();
    const { sessionId, agentId } = doubt;
    const agents = bySession.get(sessionId) ?? new Map<string, Watched>();
    bySession.set(sessionId, agents);
    const watched = { doubt, ...how, looks: 0, timer: null, isLooking: false };
    agents.set(agentId, watched);
    count++;
    schedule(watched);
  }

  function schedule(watched: Watched): void {
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_LOOK_MS * 2 ** watched.looks);
    if (clock.now() + pauseMs >= watched.doubt.untilMs) return giveUp(watched);
    watched.timer = clock.after(pauseMs, () => void track(lookAgain(watched)));
  }

  function giveUp({ doubt }: Watched): void {
    leave(doubt);
    const { sessionId, agentId, operation } = doubt;
    log.warn("session.doubt_remains", { sessionId, agentId, operation: operation.name });
  }

  async function lookAgain(watched: Watched): Promise<void> {
    watched.looks++;
    if (await isStillOpen(watched)) await lookNow(watched.doubt);
    else leave(watched.doubt);
    if (find(watched.doubt) === watched) schedule(watched);
  }

  async function isStillOpen({ doubt, isTakenUp }: Watched): Promise<boolean> {
    if (!isTakenUp) return true;
    try {
      return await book.read(doubt) !== null;
    } catch (error) {
      log.debug("session.doubt_unread", { sessionId: doubt.sessionId, error: String(error) });
      return true;
    }
  }

  async function lookNow(doubt: Doubt): Promise<Finding> {
    const seen = await seenUpstream(doubt);
    return seen === null ? "open" : await take(doubt, seen);
  }

  /** Settles the doubt by what was seen of its agent. */
  async function take(doubt: Doubt, seen: Look): Promise<Finding> {
    const { sessionId, agentId, operation } = doubt;
    const finding = findingOf(operation.effect, seen.membership);
    if (finding === "open") return finding;
    if (finding !== "not-yet" && find(doubt)?.doubt === doubt) drop(doubt);
    if (finding === "done") {
      log.info("session.doubt_settled", { sessionId, agentId, operation: operation.name });
    }
    await settle(doubt, finding, seen);
    return finding;
  }

  async function seenUpstream(doubt: Doubt): Promise<Look | null> {
    const { agentId, sessionId, nicknames, asker } = doubt;
    const { authorization, authorizationExpiresAtMs } = asker;
    if ((authorizationExpiresAtMs ?? Infinity) <= clock.now()) return null;
    const tooLong = new AbortController();
    const timer = clock.after(LOOK_MS, () => tooLong.abort());
    try {
      return await look({ agentId, sessionId, nicknames, authorization, signal: tooLong.signal });
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
    sent(doubt) {
      const { sessionId } = doubt;
      const sent: Sent = { doubt, isShownDone: false };
      const all = onTheirWay.get(sessionId) ?? new Set<Sent>();
      onTheirWay.set(sessionId, all.add(sent));
      return {
        get isShownDone() {
          return sent.isShownDone;
        },
        over() {
          all.delete(sent);
          if (all.size === 0) onTheirWay.delete(sessionId);
        },
      };
    },
    async add(doubt) {
      watch(doubt, { isTakenUp: false });
      await track(book.keep(doubt));
    },
    of: (sessionId, agentId) => find({ sessionId, agentId })?.doubt,
    drop: (sessionId, agentId) => drop({ sessionId, agentId }),
    lookNow: (doubt) => track(lookNow(doubt)),
    shown: (doubt, { dateMs } = { dateMs: null }) =>
      track(take(doubt, { membership: "in", dateMs })),
    async heard(sessionId, membershipOf) {
      for (const sent of onTheirWay.get(sessionId) ?? []) {
        if (membershipOf(sent.doubt) === "in" && isDoneByBeingIn(sent.doubt)) {
          sent.isShownDone = true;
        }
      }
      for (const watched of [...bySession.get(sessionId)?.values() ?? []]) {
        const { doubt } = watched;
        const membership = membershipOf(doubt);
        if (membership === "in" && isDoneByBeingIn(doubt)) {
          await track(take(doubt, { membership, dateMs: null }));
        } else if (membership !== "unknown" && !watched.isLooking) {
          watched.isLooking = true;
          void track(lookNow(doubt)).finally(() => watched.isLooking = false);
        }
      }
    },
    async takeUp() {
      for (const doubt of await book.all()) {
        if (find(doubt) === undefined) watch(doubt, { isTakenUp: true });
      }
    },
    async settled() {
      const all = [...bySession.values()].flatMap((agents) => [...agents.values()]);
      for (const { timer } of all) timer?.cancel();
      await Promise.all(all.map(({ doubt }) => track(lookNow(doubt))));
      for (const { doubt } of all) leave(doubt);
      await Promise.all(underWay);
    },
  };
}

function isDoneByBeingIn({ operation }: Doubt): boolean {
  return findingOf(operation.effect, "in") === "done";
}
