import { isCsrfRefusal } from "../../contact_centre/dialect/csrf.ts";
import type { AgentLink } from "../../contact_centre/rest/agent_links.ts";
import { startDeadline } from "../../http/deadline.ts";
import { exchange } from "../../http/exchange.ts";
import { parseRetryAfter } from "../../http/retry_after.ts";
import type { HeadersView } from "../../http/headers_view.ts";
import { overFetch } from "../../http/transport.ts";
import type { Clock } from "../../support/clock.ts";
import { type BayeuxMessage, MAX_ADVICE_MS, readBayeuxAnswer } from "./bayeux.ts";

/** One CometD request. */
export interface Poll {
  /** The whole address. */
  readonly url: URL;
  readonly messages: readonly unknown[];
  /** After so long without a complete answer it is given up. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What came of it. */
export type PollOutcome =
  | {
    readonly ok: true;
    readonly messages: readonly BayeuxMessage[];
    /** How many members of the answer are no messages. */
    readonly malformed: number;
  }
  | {
    readonly ok: false;
    /** A few words that hold nothing of the answer. */
    readonly reason: string;
    /** Null: there was no answer. */
    readonly status: number | null;
    /** It was turned down only because its CSRF token was missing or wrong. */
    readonly isCsrfRefusal: boolean;
    /** How long the server does not want to be asked again, in milliseconds; null: it does not say. */
    readonly retryAfterMs: number | null;
  };

export interface PollerOptions {
  /**
   * Long polls hold a connection each, so requests must not share one (HTTP/2): 500 polls would fill it, and upstream's
   * limit of streams would leave no room for anything else.
   */
  readonly fetch: typeof fetch;
  readonly clock: Clock;
}

/** Whom a request is made for. */
export interface PollIdentity {
  readonly authorization: string | null;
  /** That of the whole session: an answer that comes late is not to put its cookies into the link of other credentials. */
  readonly link: AgentLink;
}

/** Sends one request; never rejects. */
export type Poller = (poll: Poll, identity: PollIdentity) => Promise<PollOutcome>;

/** The most that the messages queued for a session can take, in bytes, decompressed. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/** A poller that shares each agent's cookies and CSRF token with its REST calls, by the link that it is handed. */
export function createPoller({ fetch, clock }: PollerOptions): Poller {
  const transport = overFetch(fetch);
  return async ({ url, messages, timeoutMs, signal }, { authorization, link }) => {
    const path = url.pathname;
    const headers = link.headersFor("POST", path);
    headers.set("content-type", "application/json;charset=UTF-8");
    headers.set("accept", "application/json");
    if (authorization !== null) headers.set("authorization", authorization);
    const body = new TextEncoder().encode(JSON.stringify(messages));

    using deadline = startDeadline({ clock, timeoutMs, signal });
    const request = { method: "POST", url, headers, body };
    const exchanged = await exchange(request, {
      transport,
      deadline,
      maxBodyBytes: MAX_ANSWER_BYTES,
      async onHead({ headers: answerHeaders }) {
        await link.adopt(path, answerHeaders, headers.get("cookie"));
        return true;
      },
    });
    if (exchanged.kind === "answer") return judge(exchanged, clock.now());
    switch (exchanged.class) {
      case "too-long":
        return failure("answer too long", exchanged.begun.status);
      case "timeout":
        return failure("timed out");
      default:
        return failure("not reached");
    }
  };
}

function judge(
  { status, headers, body }: {
    readonly status: number;
    readonly headers: HeadersView;
    readonly body: Uint8Array<ArrayBuffer>;
  },
  nowMs: number,
): PollOutcome {
  if (status !== 200) {
    const retryAfterMs = parseRetryAfter(headers.get("retry-after"), nowMs);
    return {
      ...failure(`status ${status}`, status),
      isCsrfRefusal: isCsrfRefusal({ status, body }),
      retryAfterMs: retryAfterMs === null ? null : Math.min(retryAfterMs, MAX_ADVICE_MS),
    };
  }
  const answer = readBayeuxAnswer(new TextDecoder().decode(body));
  return answer === null ? failure("not a Bayeux answer", status) : { ok: true, ...answer };
}

function failure(reason: string, status: number | null = null) {
  return { ok: false as const, reason, status, isCsrfRefusal: false, retryAfterMs: null };
}
