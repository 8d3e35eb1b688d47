import { judgeAnswer, refusesState, type Verdict } from "../contact_centre/dialect/verdict.ts";
import type { UpstreamAnswer } from "../contact_centre/rest/call.ts";
import { surelyNotSent, type Upstream } from "../contact_centre/rest/upstream.ts";
import { SessionHeld, StoreUnavailable } from "../errors.ts";
import type { ClaimOutcome, SessionStore } from "../store/port/sessions.ts";
import type { Clock } from "../support/clock.ts";
import type { Ids } from "../support/ids.ts";
import type { WorkSignals } from "./work_signals.ts";
import type { AskerOf, Doubt } from "./doubt.ts";
import type { DoubtBook } from "./doubt_book.ts";
import type { Doubts, SentOperation } from "./doubts.ts";
import type { MappingWriter } from "./mapping_writer.ts";
import type { Openings } from "./openings.ts";
import type { OwnershipMemory } from "./ownership_memory.ts";
import type { OperationCall } from "./session_call.ts";
import { wholeSeconds } from "./settlement.ts";

export interface AcceptDependencies {
  readonly store: Pick<SessionStore, "claimSession">;
  readonly upstream: Upstream;
  readonly ownership: OwnershipMemory;
  readonly openings: Openings;
  readonly doubts: Doubts;
  readonly askerOf: AskerOf;
  readonly book: Pick<DoubtBook, "read">;
  readonly mapping: MappingWriter;
  readonly workSignals: Pick<WorkSignals, "accepted">;
  readonly clock: Clock;
  readonly ids: Pick<Ids, "token">;
  readonly upstreamTimeoutMs: number;
  /** How long a claim lasts. */
  readonly patienceMs: number;
  /** As in `SessionServiceOptions`. */
  readonly isShared: boolean;
}

/** A claim that the agent's Accept has brought. */
interface Claim extends Extract<ClaimOutcome, { readonly outcome: "claimed" }> {
  readonly token: string;
  readonly sentAtMs: number;
  readonly untilMs: number;
}

/** The session is the agent's already, so there is nothing to be claimed. */
type Claimed = Claim | { readonly outcome: "own"; readonly sentAtMs: number };

/** What is known of an Accept whose answer is no success. */
interface Weighed {
  readonly doubt: Doubt;
  readonly sent: SentOperation;
  readonly verdict: Verdict;
  readonly answer: UpstreamAnswer;
  /** An earlier Accept of the agent was in doubt already. */
  readonly isKnown: boolean;
  readonly release: () => Promise<void>;
}

/**
 * Accept (DESIGN §6): claim, forward, and then confirm, release, or doubt. The agent gets upstream's answer as it came,
 * whatever a look at upstream has shown meanwhile.
 */
export function createAccept(
  { store, upstream, ownership, openings, doubts, askerOf, book, mapping, ...options }:
    AcceptDependencies,
): (call: OperationCall) => Promise<UpstreamAnswer> {
  const { workSignals, clock, ids, upstreamTimeoutMs, patienceMs, isShared } = options;

  async function claim({ agentId, sessionId }: OperationCall): Promise<Claimed | null> {
    const sentAtMs = clock.now();
    const token = ids.token();
    try {
      const untilMs = sentAtMs + patienceMs;
      const doubtFromMs = sentAtMs + upstreamTimeoutMs;
      const request = { sessionId, agentId, token, nowMs: sentAtMs, untilMs, doubtFromMs };
      const outcome = await store.claimSession(request);
      ownership.storeAnswered();
      if (outcome.outcome === "held") return null;
      return outcome.outcome === "own"
        ? { ...outcome, sentAtMs }
        : { ...outcome, token, sentAtMs, untilMs };
    } catch (error) {
      if (error instanceof StoreUnavailable) ownership.storeFailed(sentAtMs);
      throw error;
    }
  }

  /** Claims it, and once more where an operation that is under way may open it: upstream may have told its next agent already. */
  async function claimFor(call: OperationCall): Promise<Claimed> {
    const { sessionId } = call;
    const claimed = await claim(call) ??
      (await openings.over(sessionId) ? await claim(call) : null);
    if (claimed !== null) return claimed;
    throw new SessionHeld(`Cannot accept session ${sessionId}: another agent has it`);
  }

  /** An Accept of the agent of which nobody knows yet what became of it. */
  async function earlierDoubt(
    { agentId, sessionId }: OperationCall,
    claimed: Claimed,
  ): Promise<Doubt | undefined> {
    const known = doubts.of(sessionId, agentId);
    if (known !== undefined || claimed.outcome === "own" || claimed.isRetry !== true) return known;
    // Another instance knows of it, or an earlier process did.
    return await book.read({ sessionId, agentId }).catch((error) => {
      if (!(error instanceof StoreUnavailable)) throw error;
      return null;
    }) ?? undefined;
  }

  function doubtAbout(
    { agentId, sessionId, operation, request }: OperationCall,
    { as, token, sentAtMs, untilMs }: Claim,
    earlier: Doubt | undefined,
  ): Doubt {
    const nickname = operation.nickname ?? agentId;
    const isAccept = earlier?.claim != null;
    return {
      agentId,
      sessionId,
      operation,
      nicknames: [...new Set([...isAccept ? earlier.nicknames : [], nickname])],
      sentAtMs: isAccept ? earlier.sentAtMs : sentAtMs,
      untilMs,
      asker: askerOf(request),
      claim: { token, as, nickname },
    };
  }

  async function begin(doubt: Doubt): Promise<void> {
    const { sessionId, untilMs, claim } = doubt;
    const token = claim?.token ?? "";
    await Promise.all([doubts.add(doubt), mapping.doubt({ sessionId, untilMs, token })]);
  }

  async function weigh({ doubt, sent, verdict, answer, isKnown, release }: Weighed): Promise<void> {
    const mayBeDone = isKnown || verdict !== "refused";
    // It may have been done by an earlier Accept, of which nobody knows any more. Where all agents go upstream as one, what
    // upstream shows then could be any other agent's.
    if (!mayBeDone && !(refusesState(answer) && !isShared)) return await release();
    const finding = mayBeDone && sent.isShownDone
      ? await doubts.shown(doubt)
      : await doubts.lookNow(doubt);
    if (finding === "done" || finding === "not-done") return;
    // Upstream itself has answered that it has not acted, so others may have a try; what a gateway answers says nothing.
    if (finding === "open" && !isKnown && verdict !== "lost") await release();
    if (mayBeDone) await begin(doubt);
  }

  return async (call) => {
    const { agentId, sessionId, operation, request } = call;
    const claimed = await claimFor(call);
    const claim = claimed.outcome === "claimed" ? claimed : null;
    const earlier = await earlierDoubt(call, claimed);
    const isKnown = earlier !== undefined || claim?.isRetry === true;
    const release = async () => {
      if (claim !== null) await mapping.release({ sessionId, ...claim });
    };
    const doubt = claim === null ? null : doubtAbout(call, claim, earlier);
    const sent = doubt === null ? null : doubts.sent(doubt);

    try {
      let answer: UpstreamAnswer;
      try {
        answer = await upstream.call(request);
      } catch (error) {
        // Whatever may have reached upstream may have made this agent the holder there: then the claim stays, so
        // that the agent can retry and no other slips in.
        const notSent = surelyNotSent(error);
        if (notSent && !isKnown) await release();
        else if (sent?.isShownDone === true && doubt !== null) await doubts.shown(doubt);
        else if (doubt !== null) await begin(notSent ? asEarlier(doubt, earlier) : doubt);
        throw error;
      }

      const verdict = judgeAnswer(answer.status, answer.body);
      if (verdict === "success") {
        doubts.drop(sessionId, agentId);
        if (claim === null) ownership.remember(sessionId, [agentId], claimed.sentAtMs);
        else {
          const nickname = operation.nickname ?? agentId;
          // Upstream's clock, because it is compared with upstream's message times; ours is the next best.
          const acceptedUpstreamMs = answer.dateMs ?? wholeSeconds(claim.sentAtMs);
          await mapping.confirm({ agentId, sessionId, nickname, ...claim, acceptedUpstreamMs });
        }
        workSignals.accepted(request);
      } else if (doubt !== null && sent !== null) {
        const weighed = verdict === "refused" ? asEarlier(doubt, earlier) : doubt;
        await weigh({ doubt: weighed, sent, verdict, answer, isKnown, release });
      }
      return answer;
    } finally {
      sent?.over();
    }
  };
}

/** This Accept was not done, so if the agent is in the session it is so by the earlier one, and under its name. */
function asEarlier(doubt: Doubt, earlier: Doubt | undefined): Doubt {
  const { claim } = doubt;
  const nickname = earlier?.claim?.nickname;
  return claim === null || nickname === undefined
    ? doubt
    : { ...doubt, claim: { ...claim, nickname } };
}
