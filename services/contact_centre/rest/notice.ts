import { noticeToAgents } from "../dialect/operations.ts";
import { API_ROOT, ownSessionPath } from "../dialect/paths.ts";
import { judgeAnswer } from "../dialect/verdict.ts";
import type { Upstream } from "./upstream.ts";

/** Words to the agents of a session, which the customer does not see. */
export interface Notice {
  /** In whose name upstream is asked: an agent of the session. */
  readonly agentId: string;
  readonly sessionId: string;
  readonly text: string;
}

/** Hands a notice to upstream; `taken` tells whether it was accepted, `status` is the HTTP status. Throws as `Upstream.call` does. */
export type SendNotice = (
  notice: Notice,
) => Promise<{ readonly taken: boolean; readonly status: number }>;

export interface NoticeDependencies {
  readonly upstream: Pick<Upstream, "call">;
  /** A fresh id for each upstream request. */
  readonly requestId: () => string;
}

/** Notices of Patchbay's own: no agent's request stands behind them, so there is neither a token nor a client. */
export function createNoticeSender({ upstream, requestId }: NoticeDependencies): SendNotice {
  return async ({ agentId, sessionId, text }) => {
    const { status, body } = await upstream.call({
      agentId,
      method: "POST",
      path: API_ROOT + ownSessionPath(sessionId),
      search: "",
      untrustedHeaders: new Headers({ "content-type": "application/json" }),
      body: new TextEncoder().encode(JSON.stringify(noticeToAgents(text))),
      requestId: requestId(),
      clientIp: null,
      forwardedProto: "https",
      forwardedHost: null,
      authorization: null,
      authorizationExpiresAtMs: null,
      // Upstream calls have a deadline of their own.
      signal: new AbortController().signal,
    });
    return { taken: judgeAnswer(status, body) === "success", status };
  };
}
