import type { Clock } from "../support/clock.ts";
import { NotYourSession, SessionHeld, StoreUnavailable } from "../errors.ts";
import { createFollowUps } from "../store/follow_ups.ts";
import type { Ids } from "../support/ids.ts";
import type { WorkSignals } from "./work_signals.ts";
import type { Logger } from "../support/log.ts";
import type { Operation } from "../contact_centre/dialect/operations.ts";
import { createOwnershipMemory } from "./ownership_memory.ts";
import { changeAfter, type DoneOperation } from "./effects.ts";
import {
  type OwnEventPublisher,
  participantAdded,
  sessionAccepted,
  writeWithEvent,
} from "./events.ts";
import type { SessionRecord, SessionStore } from "../store/port/sessions.ts";
import type { UpstreamAnswer, UpstreamRequest } from "../contact_centre/rest/call.ts";
import { surelyNotSent, type Upstream } from "../contact_centre/rest/upstream.ts";
import { judgeAnswer } from "../contact_centre/dialect/verdict.ts";

/** Something an agent asks of a session, ready to be forwarded. */
export interface SessionCall {
  readonly agentId: string;
  readonly sessionId: string;
  readonly request: UpstreamRequest;
}

/** The same with an operation that was read from the body. */
export interface OperationCall extends SessionCall {
  readonly operation: Operation;
}

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
  /** Resolves once everything that upstream's answers led to is in the store, or given up; for the drain. */
  settled(): Promise<void>;
}

export interface SessionServiceOptions {
  readonly store: SessionStore;
  readonly upstream: Upstream;
  readonly publisher: OwnEventPublisher;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  /** How long one upstream call can take: a claim outlives it by {@link CLAIM_GRACE_MS}. */
  readonly upstreamTimeoutMs: number;
  readonly workSignals: WorkSignals;
}

/** How long an agent whose Accept went unanswered may retry it before anyone else gets a chance. */
export const CLAIM_GRACE_MS = 60_000;

/** How long the effect of a success is tried to be written when the store fails. */
const EFFECT_PATIENCE_MS = 60_000;

/** A write without an event is addressed to no webhook, so the version of their list does not matter. */
const NO_WEBHOOKS_VERSION = 0;

/** The proxied path of one instance. */
export function createSessionService(
  { store, upstream, publisher, clock, ids, log, upstreamTimeoutMs, workSignals }:
    SessionServiceOptions,
): SessionService {
  const ownership = createOwnershipMemory(clock.now);
  const followUps = createFollowUps({ clock, log });

  async function accept(call: OperationCall): Promise<UpstreamAnswer> {
    const { agentId, sessionId } = call;
    const claimedAtMs = clock.now();
    const untilMs = claimedAtMs + upstreamTimeoutMs + CLAIM_GRACE_MS;
    const token = ids.token();
    const claim = await store.claimSession({
      sessionId,
      agentId,
      token,
      nowMs: claimedAtMs,
      untilMs,
      doubtFromMs: claimedAtMs + upstreamTimeoutMs,
    });
    if (claim.outcome === "held") {
      throw new SessionHeld(`Cannot accept session ${sessionId}: another agent has it`);
    }
    const release = async () => {
      if (claim.outcome === "claimed") await releaseClaim(sessionId, token, untilMs);
    };

    let answer: UpstreamAnswer;
    try {
      answer = await upstream.call(call.request);
    } catch (error) {
      // Whatever may have reached upstream may have made this agent the holder there: then the claim stays, so
      // that the agent can retry and no other slips in.
      if (surelyNotSent(error)) await release();
      else if (claim.outcome === "claimed") await doubtClaim(sessionId, token, untilMs);
      throw error;
    }

    if (!succeeded(answer)) await release();
    else if (claim.outcome === "own") ownership.remember(sessionId, [agentId], claimedAtMs);
    else {
      // Upstream's clock, because it is compared with upstream's message times; ours is the next best.
      const acceptedUpstreamMs = answer.dateMs ?? Math.floor(claimedAtMs / 1000) * 1000;
      await confirm(call, { as: claim.as, acceptedUpstreamMs, untilMs });
    }
    if (succeeded(answer)) workSignals.accepted(call.request);
    return answer;
  }

  function confirm(
    { agentId, sessionId, operation }: OperationCall,
    claim: {
      readonly as: "holder" | "participant";
      readonly acceptedUpstreamMs: number;
      readonly untilMs: number;
    },
  ): Promise<void> {
    const { acceptedUpstreamMs, untilMs } = claim;
    const nickname = operation.nickname ?? agentId;

    async function confirmAs(as: "holder" | "participant", nowMs: number) {
      const request = { sessionId, agentId, nickname, nowMs, acceptedUpstreamMs, as };
      const { outcome } = await writeWithEvent(
        publisher,
        as === "holder"
          ? sessionAccepted(sessionId, nickname)
          : participantAdded(sessionId, { agentId, nickname }),
        (draft, webhooksVersion) => store.confirmSession(request, draft, webhooksVersion),
      );
      return outcome;
    }

    async function run(tries: number) {
      const nowMs = clock.now();
      let outcome = await confirmAs(claim.as, nowMs);
      // Whoever held the session may have gone while upstream let this agent in, who is then alone with it.
      if (outcome === "lost" && claim.as === "participant") {
        outcome = await confirmAs("holder", nowMs);
      }
      if (outcome === "lost") {
        ownership.forget(sessionId);
        log.warn("session.claim_lost", { sessionId, agentId });
        return;
      }
      ownership.remember(sessionId, [agentId], nowMs);
      // The try that failed may be the one that wrote the event.
      if (outcome === "already" && tries > 1) publisher.published(1);
    }
    return followUps.perform({ sessionId, action: "confirm", giveUpAtMs: untilMs, run });
  }

  function releaseClaim(sessionId: string, token: string, untilMs: number): Promise<void> {
    return followUps.perform({
      sessionId,
      action: "release",
      giveUpAtMs: untilMs,
      run: () => store.releaseClaim(sessionId, token),
    });
  }

  function doubtClaim(sessionId: string, token: string, untilMs: number): Promise<void> {
    return followUps.perform({
      sessionId,
      action: "doubt",
      giveUpAtMs: untilMs,
      run: () => store.doubtClaim({ sessionId, token, nowMs: clock.now() }),
    });
  }

  async function operate(call: OperationCall): Promise<UpstreamAnswer> {
    const { agentId, sessionId, operation } = call;
    const standing = await standingOf(call);
    const invited = standing === "invited";
    if (standing === "outsider" || (invited && operation.effect !== "reject")) {
      throw notYourSession(sessionId);
    }
    if (!operation.known) {
      // The name is the client's: cut, so that a line of the log stays a line.
      const operationName = operation.name.slice(0, 64);
      log.warn("operation.unknown", { sessionId, agentId, operationName });
    }
    const answer = await upstream.call(call.request);
    if (succeeded(answer)) {
      // Each request may bring a token that lives longer than the one before.
      if (!invited) workSignals.working(call.request);
      await applyEffect({ ...call, invited });
    }
    return answer;
  }

  async function intrude(call: OperationCall): Promise<UpstreamAnswer> {
    const answer = await upstream.call(call.request);
    if (succeeded(answer)) await applyEffect({ ...call, invited: false });
    return answer;
  }

  async function read(call: SessionCall): Promise<UpstreamAnswer> {
    if (await standingOf(call) !== "own") throw notYourSession(call.sessionId);
    return await upstream.call(call.request);
  }

  async function standingOf({ agentId, sessionId }: SessionCall): Promise<Standing> {
    if (ownership.isOwn(sessionId, agentId)) return "own";
    const nowMs = clock.now();
    const session = await readUnlessKnown(sessionId, agentId, nowMs);
    if (session === null) return "own";
    const agentIds = [session.agentId, ...session.participants.map(({ agentId }) => agentId)];
    ownership.remember(sessionId, agentIds, nowMs);
    if (agentIds.includes(agentId)) return "own";
    return session.seatsUntilMs.some((untilMs) => untilMs > nowMs) ? "invited" : "outsider";
  }

  /** Null also where the store is away and the agent is the one who was let in last: an outage ends no conversation. */
  async function readUnlessKnown(
    sessionId: string,
    agentId: string,
    nowMs: number,
  ): Promise<SessionRecord | null> {
    try {
      return await store.readSession(sessionId, { nowMs, slide: agentId });
    } catch (error) {
      if (!(error instanceof StoreUnavailable && ownership.wasOwn(sessionId, agentId))) throw error;
      log.debug("session.known_from_memory", { sessionId, agentId });
      return null;
    }
  }

  async function applyEffect(done: DoneOperation): Promise<void> {
    const { agentId, sessionId } = done;
    const change = changeAfter(done, clock.now());
    if (change === null) return;
    const { effect, event } = change;

    async function run(tries: number) {
      const request = { sessionId, agentId, nowMs: clock.now(), effect };
      if (event === null) await store.applyEffect(request, null, NO_WEBHOOKS_VERSION);
      else {
        const { outcome } = await writeWithEvent(
          publisher,
          event,
          (draft, webhooksVersion) => store.applyEffect(request, draft, webhooksVersion),
        );
        // The try that failed may be the one that wrote the event.
        if (outcome === "nothing" && tries > 1) publisher.published(1);
      }
      ownership.forget(sessionId);
    }
    ownership.forget(sessionId);
    const giveUpAtMs = clock.now() + EFFECT_PATIENCE_MS;
    await followUps.perform({ sessionId, action: "effect", giveUpAtMs, run });
  }

  return { accept, operate, intrude, read, settled: followUps.settled };
}

/**
 * What an agent is to a session. `own`: holder or participant, and anyone while there is no mapping, as then upstream is the
 * judge. `invited`: neither, but a seat is open; for whom it is upstream alone knows.
 */
type Standing = "own" | "invited" | "outsider";

function notYourSession(sessionId: string): NotYourSession {
  return new NotYourSession(`Cannot operate session ${sessionId}: another agent holds it`);
}

function succeeded({ status, body }: UpstreamAnswer): boolean {
  return judgeAnswer(status, body) === "success";
}
