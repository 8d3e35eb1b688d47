import { readNarrowable } from "../contact_centre/dialect/narrowing.ts";
import type { UpstreamAnswer, UpstreamRequest } from "../contact_centre/rest/call.ts";
import type { Upstream } from "../contact_centre/rest/upstream.ts";
import { UpstreamUnavailable } from "../errors.ts";
import type { SessionStore } from "../store/port/sessions.ts";
import type { Clock } from "../support/clock.ts";

/**
 * Reads of what may show many sessions: the agent's list, and the agent with its subresources. Throws what `Upstream.call`
 * throws, and `StoreUnavailable` where whose sessions they are had to be asked and the store was down.
 */
export type OwnReads = (request: UpstreamRequest) => Promise<UpstreamAnswer>;

export interface OwnReadsDependencies {
  readonly upstream: Upstream;
  readonly store: Pick<SessionStore, "sessionsOf">;
  readonly clock: Pick<Clock, "now">;
  /** As in `SessionServiceOptions`: upstream shows everybody's sessions to whoever asks. */
  readonly isShared: boolean;
}

/** Passes upstream's answer on; where all agents share one user, without the sessions that are not the caller's. */
export function createOwnReads(
  { upstream, store, clock, isShared }: OwnReadsDependencies,
): OwnReads {
  return async (request) => {
    const answer = await upstream.call(request);
    if (!isShared || answer.body.byteLength === 0) return answer;
    const shown = readNarrowable(answer.body);
    if (shown === null) {
      if (answer.status >= 300) return answer;
      throw new UpstreamUnavailable(
        `Cannot GET ${request.path}: upstream's answer could not be read, so nobody knows whose sessions it shows`,
        "maybe",
      );
    }
    const { agentId } = request;
    const own = shown.ids.length === 0
      ? []
      : await store.sessionsOf({ agentId, sessionIds: shown.ids, nowMs: clock.now() });
    const body = shown.keep(new Set(own));
    if (body === null) return answer;
    const headers = new Headers(answer.headers);
    headers.set("content-length", String(body.byteLength));
    return { ...answer, headers, body };
  };
}
