import type { AttemptClass, AttemptEnd, Decision } from "../../delivery/sink.ts";

/** How an attempt to a webhook ended. */
export type WebhookOutcome =
  /** An answer with that status; `retryAfterMs` is what its Retry-After asked for. */
  | { readonly kind: "answer"; readonly status: number; readonly retryAfterMs?: number }
  /** No answer. */
  | {
    readonly kind: "failure";
    readonly class: Extract<
      AttemptClass,
      | "timeout"
      | "connect-failed"
      | "connection-lost"
      | "egress-refused"
      | "name-not-found"
      | "resolver-failed"
      | "proxy-failed"
      | "sink-missing"
      | "not-sendable"
      | "sink-disabled"
      | "shutdown"
    >;
  };

export interface DecideRequest {
  /** Which attempt this was, 1 for the first. */
  readonly attempt: number;
  readonly outcome: WebhookOutcome;
  readonly nowMs: number;
  /** Waits between attempts: n waits make n + 1 attempts. */
  readonly retryWaitsMs: readonly number[];
  /** A number in [0, 1). */
  readonly random: () => number;
}

export interface WebhookDecision {
  readonly decision: Decision;
  /** Whether the webhook is to be disabled: it wants no more of anything. */
  readonly disable: boolean;
}

/** No answer may put a delivery off for longer than this. */
export const LONGEST_RETRY_AFTER_MS = 6 * 60 * 60 * 1_000;

// A request that the consumer calls wrong seldom gets right by waiting; a few tries cover a bad deployment there.
const SHORT_LADDER_ATTEMPTS = 3;
const JITTER = 0.2;

const GONE = 410;
// 4xx that speak of the moment and not of the request: RFC 9110 §15.5.9, RFC 8470 §5.2, RFC 6585 §4.
const PASSING_CLIENT_ERRORS: ReadonlySet<number> = new Set([408, 425, 429]);
const OTHER_SIDES_FAILURES: ReadonlySet<AttemptClass> = new Set([
  "timeout",
  "name-not-found",
  "resolver-failed",
  "connect-failed",
  "connection-lost",
]);
// The statuses for which RFC 6585 §4 and RFC 9110 §15.6.4 describe Retry-After as a plea to slow down.
const HONOURS_RETRY_AFTER: ReadonlySet<number> = new Set([429, 503]);

/**
 * What is to become of a delivery to a webhook after one attempt (DESIGN §9). A 2xx is success. 410 ends the delivery
 * and disables the webhook. A delivery to a disabled webhook is held. What the consumer refuses is tried three times;
 * every other failure has the whole ladder of waits.
 */
export function decideAttempt(request: DecideRequest): WebhookDecision {
  const { outcome, nowMs } = request;
  if (outcome.kind === "failure") {
    if (outcome.class === "sink-missing") return { decision: { status: "dead" }, disable: false };
    if (outcome.class === "sink-disabled") return { decision: { status: "held" }, disable: false };
    if (outcome.class === "shutdown") {
      return { decision: { status: "retrying", atMs: nowMs }, disable: false };
    }
    return { decision: climb(request, outcome.class === "egress-refused"), disable: false };
  }
  const { status } = outcome;
  if (isSuccess(status)) return { decision: { status: "delivered" }, disable: false };
  if (status === GONE) return { decision: { status: "dead" }, disable: true };
  const refused = status >= 400 && status < 500 && !PASSING_CLIENT_ERRORS.has(status);
  return { decision: climb(request, refused, honouredMs(outcome)), disable: false };
}

/** What an attempt says of the webhook's health. Only what the other side did, or left undone, counts as a failure. */
export function healthOf(outcome: WebhookOutcome): AttemptEnd["health"] {
  if (outcome.kind === "answer") return isSuccess(outcome.status) ? "success" : "failure";
  return OTHER_SIDES_FAILURES.has(outcome.class) ? "failure" : null;
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

function climb(
  { attempt, nowMs, retryWaitsMs, random }: DecideRequest,
  short: boolean,
  notBeforeMs = 0,
): Decision {
  const waitMs = retryWaitsMs[attempt - 1];
  if (waitMs === undefined || (short && attempt >= SHORT_LADDER_ATTEMPTS)) {
    return { status: "dead" };
  }
  const jitteredMs = waitMs * (1 - JITTER + 2 * JITTER * random());
  return { status: "retrying", atMs: nowMs + Math.round(Math.max(jitteredMs, notBeforeMs)) };
}

function honouredMs({ status, retryAfterMs = 0 }: { status: number; retryAfterMs?: number }) {
  return HONOURS_RETRY_AFTER.has(status) ? Math.min(retryAfterMs, LONGEST_RETRY_AFTER_MS) : 0;
}
