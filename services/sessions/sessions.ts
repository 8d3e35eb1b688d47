import { judgeAnswer, refusesState } from "../contact_centre/dialect/verdict.ts";
import { membershipTold } from "../contact_centre/dialect/membership.ts";
import type { UpstreamAnswer } from "../contact_centre/rest/call.ts";
import type { SessionLook } from "../contact_centre/rest/session_look.ts";
import { surelyNotSent, type Upstream } from "../contact_centre/rest/upstream.ts";
import { NotYourSession } from "../errors.ts";
import type { ParsedNotification } from "../events/notification.ts";
import type { Sealer } from "../sealing/secrets.ts";
import { createFollowUps } from "../store/follow_ups.ts";
import type { RecordStore } from "../store/port/records.ts";
import type { SessionStore } from "../store/port/sessions.ts";
import { CLOCKS_APART_MS } from "../store/rules.ts";
import type { Clock } from "../support/clock.ts";
import type { Ids } from "../support/ids.ts";
import { type Logger, shownId } from "../support/log.ts";
import { createAccept } from "./accept.ts";
import { createAskerOf, type Doubt } from "./doubt.ts";
import { createDoubtBook } from "./doubt_book.ts";
import { isVisible, mayOpen } from "./doubt_rules.ts";
import { createDoubts } from "./doubts.ts";
import { changeAfter, changeInDoubt, type DoneOperation } from "./effects.ts";
import type { OwnEventPublisher } from "./events.ts";
import { createMappingWriter } from "./mapping_writer.ts";
import { createOpenings } from "./openings.ts";
import { createOwnershipMemory } from "./ownership_memory.ts";
import type { OperationCall, SessionCall } from "./session_call.ts";
import { createSettlement } from "./settlement.ts";
import { createStandings, type Standing } from "./standing.ts";
import type { WorkSignals } from "./work_signals.ts";

/**
 * The proxied path: who may do what to which session, and what upstream's answers mean for the mapping.
 * Upstream's answer, whatever it says, is always the value. Every method throws `UpstreamTimeout`,
 * `UpstreamUnavailable`, and `StoreUnavailable` where the store had to be asked and was down.
 */
export interface SessionService {
  /** Accept (DESIGN §6). Throws `SessionHeld`. */
  accept(call: OperationCall): Promise<UpstreamAnswer>;
  /** Any other operation of an agent on a session. Throws `NotYourSession`. */
  operate(call: OperationCall): Promise<UpstreamAnswer>;
  /** A supervisor's Intrude: no ownership is needed, the scope is the permission. */
  intrude(call: OperationCall): Promise<UpstreamAnswer>;
  /** Reads a session or its messages. Throws `NotYourSession`. */
  read(call: SessionCall): Promise<UpstreamAnswer>;
  /** Hears what upstream tells, before it is published: it may settle what is in doubt. */
  heard(notifications: readonly ParsedNotification[]): Promise<void>;
  /** Takes up what an earlier process has left in doubt. */
  start(): void;
  /** Resolves once everything that upstream's answers led to is in the store, or given up; for the drain. */
  settled(): Promise<void>;
}

export interface SessionServiceOptions {
  readonly store: SessionStore & Pick<RecordStore, "readRecord" | "writeRecord" | "listRecords">;
  readonly sealer: Sealer;
  readonly upstream: Upstream;
  /** Shows what became of an operation whose answer got lost. */
  readonly look: SessionLook;
  /** All agents go upstream as one user (mode `basic`), so upstream cannot judge which of them may do what. */
  readonly isShared: boolean;
  /** Upstream is asked in an agent's name with the agent's own token (mode `forward`). */
  readonly needsToken: boolean;
  readonly publisher: OwnEventPublisher;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  /** How long one upstream call can take: a claim outlives it by `CLAIM_GRACE_MS`. */
  readonly upstreamTimeoutMs: number;
  readonly workSignals: WorkSignals;
}

/** For so long it is tried to take up what was left in doubt: it lasts no longer. */
const TAKE_UP_PATIENCE_MS = 60_000;

/** How long after an operation was given up upstream is looked at, and an agent whose Accept it was may retry it alone. */
export const CLAIM_GRACE_MS = 60_000;

/** The proxied path of one instance. */
export function createSessionService(options: SessionServiceOptions): SessionService {
  const { store, upstream, clock, log, upstreamTimeoutMs, isShared, workSignals } = options;
  const ownership = createOwnershipMemory(clock.now);
  const followUps = createFollowUps({ clock, log });
  const mapping = createMappingWriter({ ...options, ownership, followUps });
  const book = createDoubtBook({ ...options, records: store, followUps });
  const settle = createSettlement({ ...options, mapping });
  const doubts = createDoubts({ ...options, settle, book });
  const askerOf = createAskerOf(options);
  const openings = createOpenings();
  const standingOf = createStandings({ store, ownership, clock, log });
  const underWay = new Set<Promise<unknown>>();
  const patienceMs = upstreamTimeoutMs + CLAIM_GRACE_MS;
  const accept = createAccept({
    ...options,
    ownership,
    openings,
    doubts,
    askerOf,
    book,
    mapping,
    patienceMs,
  });

  async function operate(call: OperationCall): Promise<UpstreamAnswer> {
    const { agentId, sessionId, operation } = call;
    const standing = await standingOf(call);
    const invited = standing === "invited";
    if (!isOpen(standing) && !(invited && operation.effect === "reject")) {
      throw notYourSession(sessionId);
    }
    if (!operation.known) {
      // The name is the client's, who may have put anything into it.
      log.warn("operation.unknown", { sessionId, agentId, operationName: shownId(operation.name) });
    }
    const performing = perform({ ...call, invited });
    const { answer, isDone } =
      await (mayOpen(operation.effect) ? openings.track(sessionId, performing) : performing);
    // Each request may bring a token that lives longer than the one before.
    if (isDone && !invited) workSignals.working(call.request);
    return answer;
  }

  /** Forwards the operation and does what the answer, or its loss, means for the mapping. */
  async function perform(
    call: OperationCall & { readonly invited: boolean },
  ): Promise<{ readonly answer: UpstreamAnswer; readonly isDone: boolean }> {
    const doubt = doubtAbout(call);
    const known = doubts.of(call.sessionId, call.agentId);
    const sent = showsWhatBecame(call) ? doubts.sent(doubt) : null;
    const begin = async () => {
      if (sent?.isShownDone === true) await doubts.shown(doubt);
      else await beginDoubt(call, doubt);
    };
    try {
      let answer: UpstreamAnswer;
      try {
        answer = await upstream.call(call.request);
      } catch (error) {
        if (!surelyNotSent(error)) await begin();
        throw error;
      }
      const verdict = judgeAnswer(answer.status, answer.body);
      if (verdict === "success") {
        // Upstream lets nobody operate a session from outside, so an Accept in doubt was done.
        if (known !== undefined) await doubts.shown(known, answer);
        await mapping.apply(call, changeAfter(call, clock.now()));
      } else if (verdict !== "refused") await begin();
      else if (known !== undefined) await doubts.lookNow(known);
      else if (refusesState(answer) && showsWhatBecame(call)) {
        // It may have been done by an earlier try, of which this instance does not know.
        await doubts.lookNow(doubt);
      }
      return { answer, isDone: verdict === "success" };
    } finally {
      sent?.over();
    }
  }

  async function beginDoubt(
    call: OperationCall & { readonly invited: boolean },
    doubt: Doubt,
  ): Promise<void> {
    await mapping.apply(call, changeInDoubt(call, clock.now()));
    if (!showsWhatBecame(call)) return;
    await doubts.add(doubt);
    void doubts.lookNow(doubt);
  }

  function doubtAbout({ agentId, sessionId, operation, request }: OperationCall): Doubt {
    const sentAtMs = clock.now();
    return {
      agentId,
      sessionId,
      operation,
      nicknames: operation.nickname === null ? [] : [operation.nickname],
      sentAtMs,
      untilMs: sentAtMs + patienceMs,
      asker: askerOf(request),
      claim: null,
    };
  }

  async function intrude(call: OperationCall): Promise<UpstreamAnswer> {
    return (await perform({ ...call, invited: false })).answer;
  }

  async function read(call: SessionCall): Promise<UpstreamAnswer> {
    if (!isOpen(await standingOf(call))) throw notYourSession(call.sessionId);
    return await upstream.call(call.request);
  }

  /** Where there is no mapping upstream is the judge, if it can be. */
  function isOpen(standing: Standing): boolean {
    return standing === "own" || (standing === "unmapped" && !isShared);
  }

  async function heard(notifications: readonly ParsedNotification[]): Promise<void> {
    for (const { sessionId, verbatim, observed } of notifications) {
      await doubts.heard(sessionId, ({ agentId, nicknames, sentAtMs }) => {
        const isOwn = observed.heardBy === agentId;
        const sinceMs = sentAtMs - CLOCKS_APART_MS;
        return membershipTold(verbatim.json, { agentId, nicknames, isOwn, sinceMs });
      });
    }
  }

  /** An operation may outlive its client, and then nobody else waits for it. */
  function tracked<Call>(act: (call: Call) => Promise<UpstreamAnswer>) {
    return (call: Call) => {
      const work = act(call);
      const ended = work.then(() => {}, () => {}).finally(() => underWay.delete(ended));
      underWay.add(ended);
      return work;
    };
  }

  return {
    accept: tracked(accept),
    operate: tracked(operate),
    intrude: tracked(intrude),
    read,
    heard,
    start() {
      const giveUpAtMs = clock.now() + TAKE_UP_PATIENCE_MS;
      const run = doubts.takeUp;
      void followUps.perform({ sessionId: "", action: "take-up-doubts", giveUpAtMs, run });
    },
    async settled() {
      await Promise.all(underWay);
      await doubts.settled();
      await followUps.settled();
    },
  };
}

/**
 * Whether a look at upstream can show that the operation was done. An agent from outside a session is not in it after a Reject,
 * whether or not it was the one invited: the seat stays open for who was.
 */
function showsWhatBecame({ operation, invited }: DoneOperation): boolean {
  return isVisible(operation.effect) && !invited;
}

function notYourSession(sessionId: string): NotYourSession {
  return new NotYourSession(`Cannot operate session ${sessionId}: it is not yours`);
}
