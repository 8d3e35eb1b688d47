import { readAtMost } from "../../support/bounded_bytes.ts";
import type { Clock } from "../../support/clock.ts";
import { singleSend } from "../../support/single_send.ts";
import type { AgentLinks } from "../../contact_centre/rest/agent_links.ts";
import { isCsrfRefusal } from "../../contact_centre/dialect/csrf.ts";
import { type BayeuxMessage, readBayeuxAnswer } from "./bayeux.ts";

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
    readonly malformed: number;
  }
  | {
    readonly ok: false;
    /** One word or two, without anything of the answer. */
    readonly reason: string;
    /** Null: there was no answer. */
    readonly status: number | null;
    /** It was turned down only for want of the right CSRF token. */
    readonly isCsrfRefusal: boolean;
  };

export interface PollerOptions {
  /**
   * Long polls hold a connection each, so it must not share one between requests (HTTP/2): 500 polls would fill it, and
   * upstream's limit of streams would leave no room for anything else.
   */
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly links: AgentLinks;
}

/** Whom a request is made for. */
export interface PollIdentity {
  readonly agentId: string;
  readonly authorization: string | null;
}

/** Sends one request; never rejects. */
export type Poller = (poll: Poll, identity: PollIdentity) => Promise<PollOutcome>;

/** What a session can have queued at most, in bytes, decompressed. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/** A poller that shares each agent's cookies and CSRF token with its REST calls. */
export function createPoller({ fetch, clock, links }: PollerOptions): Poller {
  return async ({ url, messages, timeoutMs, signal }, { agentId, authorization }) => {
    const path = url.pathname;
    const headers = links.of(agentId, authorization).headersFor("POST", path);
    headers.set("content-type", "application/json;charset=UTF-8");
    headers.set("accept", "application/json");
    if (authorization !== null) headers.set("authorization", authorization);

    const ending = new AbortController();
    let isLate = false;
    const abort = () => ending.abort();
    const timer = clock.after(timeoutMs, () => {
      isLate = true;
      abort();
    });
    // Taken off again below, unlike a signal made by AbortSignal.any: the session's signal outlives thousands of polls.
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    try {
      const response = await fetch(url, {
        method: "POST",
        headers,
        body: singleSend(new TextEncoder().encode(JSON.stringify(messages))),
        redirect: "manual",
        signal: ending.signal,
      });
      const body = await readAtMost(response.body, MAX_ANSWER_BYTES);
      const link = links.of(agentId, authorization);
      await link.adopt(path, response.headers, headers.get("cookie"));
      return judge(response.status, body);
    } catch {
      return failure(isLate ? "timed out" : "not reached");
    } finally {
      timer.cancel();
      signal.removeEventListener("abort", abort);
    }
  };
}

function judge(status: number, body: Uint8Array<ArrayBuffer> | null): PollOutcome {
  if (body === null) return failure("answer too long", status);
  if (status !== 200) {
    return {
      ...failure(`status ${status}`, status),
      isCsrfRefusal: isCsrfRefusal({ status, body }),
    };
  }
  const answer = readBayeuxAnswer(new TextDecoder().decode(body));
  return answer === null ? failure("not a Bayeux answer", status) : { ok: true, ...answer };
}

function failure(reason: string, status: number | null = null) {
  return { ok: false as const, reason, status, isCsrfRefusal: false };
}
