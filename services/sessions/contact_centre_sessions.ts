import type { UpstreamAnswer, UpstreamRequest } from "../contact_centre/rest/call.ts";
import type { Upstream } from "../contact_centre/rest/upstream.ts";
import { type MeOperation, meOperation } from "../contact_centre/dialect/operations.ts";
import { isPartlyDone, judgeAnswer } from "../contact_centre/dialect/verdict.ts";
import type { WorkSignals } from "./work_signals.ts";

/** Agents as upstream's `/me` shows them: their contact-centre sessions begin and end here. */
export interface ContactCentreSessions {
  /** Forwards an operation on `/api/v2/me`, whatever it is. Throws what {@link Upstream.call} throws. */
  operate(operationName: string, request: UpstreamRequest): Promise<UpstreamAnswer>;
}

export function createContactCentreSessions(
  { upstream, workSignals }: { readonly upstream: Upstream; readonly workSignals: WorkSignals },
): ContactCentreSessions {
  return {
    async operate(operationName, request) {
      const answer = await upstream.call(request);
      const operation = meOperation(operationName);
      if (operation !== undefined && counts(operation, answer)) {
        if (operation.effect === "sign-in") workSignals.signedIn(request);
        else workSignals.signedOff(request.agentId);
      }
      return answer;
    },
  };
}

function counts({ countsInPart }: MeOperation, answer: UpstreamAnswer): boolean {
  return judgeAnswer(answer.status, answer.body) === "success" ||
    (countsInPart && isPartlyDone(answer));
}
