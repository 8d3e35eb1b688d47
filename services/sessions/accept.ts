import { judgeAnswer, refusesState, type Verdict } from "../contact_centre/dialect/verdict.ts";
import type { UpstreamAnswer } from "../contact_centre/rest/call.ts";
import type { Look } from "../contact_centre/rest/session_look.ts";
import { surelyNotSent, type Upstream } from "../contact_centre/rest/upstream.ts";
import { SessionHeld, StoreUnavailable } from "../errors.ts";
import type { ClaimOutcome, SessionStore } from "../store/port/sessions.ts";
import type { Clock } from "../support/clock.ts";
import type { Ids } from "../support/ids.ts";
import type { WorkSignals } from "./work_signals.ts";
import type { Doubt, Doubts } from "./doubts.ts";
import type { MappingWriter } from "./mapping_writer.ts";
import type { OwnershipMemory } from "./ownership_memory.ts";
import type { OperationCall } from "./session_call.ts";

export interface AcceptDependencies {
  readonly store: Pick<SessionStore, "claimSession">;
  readonly upstream: Upstream;
  readonly ownership: OwnershipMemory;
  readonly doubts: Doubts;
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
  readonly untilMs: number;
}

/**
 * Accept (DESIGN §6): claim, forward, and then confirm, release, or doubt. The agent gets upstream's answer as it came,
 * whatever a look at upstream has shown meanwhile.
 */
export function createAccept(
  { store, upstream, ownership, doubts, mapping, workSignals, ...options }: AcceptDependencies,
): (call: OperationCall) => Promise<UpstreamAnswer> {
  const { clock, ids, upstreamTimeoutMs, patienceMs, isShared } = options;

  async function claimFor({ agentId, sessionId }: OperationCall, nowMs: number, token: string) {
    try {
      const untilMs = nowMs + patienceMs;
      const doubtFromMs = nowMs + upstreamTimeoutMs;
      const request = { sessionId, agentId, token, nowMs, untilMs, doubtFromMs };
      const outcome = await store.claimSession(request);
      ownership.storeAnswered();
      return outcome;
    } catch (error) {
      if (error instanceof StoreUnavailable) ownership.storeFailed(nowMs);
      throw error;
    }
  }

  function doubtAbout(call: OperationCall, claim: Claim, sentAtMs: number): Doubt {
    const { agentId, sessionId, operation } = call;
    const nickname = operation.nickname ?? agentId;
    let isReleased = false;
    return {
      call,
      nickname,
      sentAtMs,
      untilMs: claim.untilMs,
      async settle(finding, { dateMs }: Look) {
        if (finding !== "done") {
          if (!isReleased) await mapping.release({ sessionId, ...claim });
          isReleased = true;
          return;
        }
        // When the Accept was sent, by upstream's clock as the look shows it.
        const aheadMs = dateMs === null ? 0 : dateMs - clock.now();
        const acceptedUpstreamMs = wholeSeconds(sentAtMs + aheadMs);
        await mapping.confirm({ agentId, sessionId, nickname, ...claim, acceptedUpstreamMs });
        workSignals.accepted(call.request);
      },
    };
  }

  /** `isKnown`: an earlier Accept of the agent was in doubt already. */
  async function weigh(
    doubt: Doubt,
    { verdict, answer, isKnown, release }: {
      readonly verdict: Verdict;
      readonly answer: UpstreamAnswer;
      readonly isKnown: boolean;
      readonly release: () => Promise<void>;
    },
  ): Promise<void> {
    const mayBeDone = isKnown || verdict !== "refused";
    // It may have been done by an earlier Accept, of which this instance does not know. Where all agents go upstream as
    // one, what upstream shows then could be any other agent's.
    if (!mayBeDone && !(refusesState(answer) && !isShared)) return await release();
    const finding = await doubts.lookNow(doubt);
    if (finding === "done" || finding === "not-done") return;
    // Upstream itself has answered that it has not acted, so others may have a try; what a gateway answers says nothing.
    if (finding === "open" && !isKnown && verdict !== "lost") await release();
    if (mayBeDone) doubts.add(doubt);
  }

  return async (call) => {
    const { agentId, sessionId, operation } = call;
    const sentAtMs = clock.now();
    const token = ids.token();
    const outcome = await claimFor(call, sentAtMs, token);
    if (outcome.outcome === "held") {
      throw new SessionHeld(`Cannot accept session ${sessionId}: another agent has it`);
    }
    const claim = outcome.outcome === "claimed"
      ? { ...outcome, token, untilMs: sentAtMs + patienceMs }
      : null;
    const release = async () => {
      if (claim !== null) await mapping.release({ sessionId, ...claim });
    };
    const earlier = doubts.of(sessionId, agentId);
    const earlierSentAtMs = earlier?.call.operation.effect === "accept"
      ? earlier.sentAtMs
      : sentAtMs;
    const doubt = claim === null ? null : doubtAbout(call, claim, earlierSentAtMs);
    const isKnown = earlier !== undefined;

    let answer: UpstreamAnswer;
    try {
      answer = await upstream.call(call.request);
    } catch (error) {
      // Whatever may have reached upstream may have made this agent the holder there: then the claim stays, so
      // that the agent can retry and no other slips in.
      if (surelyNotSent(error) && !isKnown) await release();
      else if (claim !== null && doubt !== null) {
        doubts.add(doubt);
        await mapping.doubt({ sessionId, ...claim });
      }
      throw error;
    }

    const verdict = judgeAnswer(answer.status, answer.body);
    if (verdict === "success") {
      doubts.drop(sessionId, agentId);
      if (claim === null) ownership.remember(sessionId, [agentId], sentAtMs);
      else {
        const nickname = operation.nickname ?? agentId;
        // Upstream's clock, because it is compared with upstream's message times; ours is the next best.
        const acceptedUpstreamMs = answer.dateMs ?? wholeSeconds(sentAtMs);
        await mapping.confirm({ agentId, sessionId, nickname, ...claim, acceptedUpstreamMs });
      }
      workSignals.accepted(call.request);
    } else if (doubt !== null) {
      await weigh(doubt, { verdict, answer, isKnown, release });
    }
    return answer;
  };
}

function wholeSeconds(unixMs: number): number {
  return Math.floor(unixMs / 1000) * 1000;
}
