import type { Upstream, UpstreamAnswer, UpstreamRequest } from "../contact_centre/rest/upstream.ts";
import { judgeAnswer, statusCodeOf } from "../contact_centre/dialect/verdict.ts";
import type { Presence } from "./work_signals.ts";

/** Upstream's code for an operation of which a part failed (API/ReturnValues). */
const PARTIAL_SUCCESS = 7;

/** Agents as upstream's `/me` shows them: their contact-centre sessions begin and end here. */
export interface ContactCentreSessions {
  /** Forwards an operation on `/api/v2/me`, whatever it is. Throws what {@link Upstream.call} throws. */
  operate(operationName: string, request: UpstreamRequest): Promise<UpstreamAnswer>;
}

export function createContactCentreSessions(
  { upstream, presence }: { readonly upstream: Upstream; readonly presence: Presence },
): ContactCentreSessions {
  return {
    async operate(operationName, request) {
      const answer = await upstream.call(request);
      const isDone = judgeAnswer(answer.status, answer.body) === "success";
      if (operationName === "StartContactCenterSession" && (isDone || isPartlyDone(answer))) {
        presence.signedIn(request);
      }
      if (operationName === "EndContactCenterSession" && isDone) {
        presence.signedOff(request.agentId);
      }
      return answer;
    },
  };
}

/** One of several channels could not be opened (Genesys Web Services, API/StartContactCenterSession). */
function isPartlyDone({ status, body }: UpstreamAnswer): boolean {
  return status < 300 && statusCodeOf(body) === PARTIAL_SUCCESS;
}
