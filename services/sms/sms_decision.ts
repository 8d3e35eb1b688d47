import type { AttemptClass, Decision } from "../delivery/sink.ts";
import { explainSmsError, type SmsErrorAction } from "./error_table.ts";
import type { SendResult } from "./twilio_transport.ts";

/** What an attempt to text the customer found out: what Twilio said, or why it was not asked. */
export type SmsFinding =
  | SendResult
  /** An earlier attempt was never settled: the text may have left with it. */
  | { readonly kind: "interrupted" }
  /** The program is stopping; `begun`: the send was under way. */
  | { readonly kind: "shutdown"; readonly begun: boolean }
  | { readonly kind: "no-customer-number" }
  /** The event no longer holds a message that may leave: its texts were expunged. */
  | { readonly kind: "no-message" };

/** What a finding means. */
export interface SmsVerdict {
  readonly class: AttemptClass;
  readonly decision: Decision;
  /** One line for people. */
  readonly detail: string;
  readonly errorCode: number | null;
  /** HTTP status, where Twilio answered. */
  readonly httpStatus: number | null;
  readonly action: SmsErrorAction | null;
}

export interface SmsDecisionContext {
  /** 1 for the first; attempts of every kind count alike. */
  readonly attempt: number;
  readonly nowMs: number;
  /** In [0, 1). */
  readonly random: () => number;
  /** The waits of the webhook ladder; the first {@link UNREACHABLE_WAITS} are used. */
  readonly retryWaitsMs: readonly number[];
}

// userData often follows the first text of a session by seconds.
const NUMBER_WAITS_MS = [5_000, 30_000, 120_000];
const UNREACHABLE_WAITS = 4;

const RATE_LIMIT_TRIES = 5;
const RATE_LIMIT_FIRST_WAIT_MS = 100;
const RATE_LIMIT_LONGEST_WAIT_MS = 30_000;
/** Twilio's code for HTTP 429 (https://www.twilio.com/docs/api/errors/20429). */
const TOO_MANY_REQUESTS = 20429;

/**
 * What becomes of a text. Only what Twilio surely did not process is sent again; what may have left is `unknown`,
 * because a doubled text is worse than a missing one that can be seen.
 */
export function decideSms(finding: SmsFinding, context: SmsDecisionContext): SmsVerdict {
  switch (finding.kind) {
    case "taken":
      return verdict("ok", { status: "delivered" }, `Twilio took it as ${finding.status}`);
    case "rejected":
      return decideRejected(finding.code, finding.status, context);
    case "rate-limited":
      return decideRateLimited(TOO_MANY_REQUESTS, 429, finding.retryAfterMs ?? 0, context);
    case "ambiguous":
      return {
        ...verdict("ambiguous", { status: "unknown" }, finding.reason),
        httpStatus: finding.status ?? null,
      };
    case "not-sent": {
      const waitsMs = context.retryWaitsMs.slice(0, UNREACHABLE_WAITS);
      return verdict("connect-failed", retryAlong(waitsMs, context), finding.reason);
    }
    case "interrupted":
      return verdict("interrupted", { status: "unknown" }, "an earlier attempt was cut off");
    case "shutdown":
      return finding.begun
        ? verdict("shutdown", { status: "unknown" }, "Patchbay stopped during the send")
        : verdict("shutdown", { status: "retrying", atMs: context.nowMs }, "Patchbay is stopping");
    case "no-customer-number":
      return verdict(
        "no-customer-number",
        retryAlong(NUMBER_WAITS_MS, context),
        "the session has no phone number of the customer that can be used",
      );
    case "no-message":
      return verdict("rejected", { status: "dead" }, "the event holds no text that may be sent");
  }
}

function decideRejected(
  code: number | null,
  httpStatus: number,
  context: SmsDecisionContext,
): SmsVerdict {
  const { action, sentence } = explainSmsError(code);
  if (action === "retry") return decideRateLimited(code, httpStatus, 0, context);
  const ended = action === "look-up"
    ? verdict("ambiguous", { status: "unknown" }, sentence)
    : verdict("rejected", { status: "dead" }, sentence);
  return { ...ended, errorCode: code, httpStatus, action };
}

function decideRateLimited(
  code: number | null,
  httpStatus: number,
  askedWaitMs: number,
  context: SmsDecisionContext,
): SmsVerdict {
  const backOffMs = jittered(RATE_LIMIT_FIRST_WAIT_MS * 2 ** (context.attempt - 1), context);
  const waitMs = Math.min(Math.max(backOffMs, askedWaitMs), RATE_LIMIT_LONGEST_WAIT_MS);
  const decision: Decision = context.attempt >= RATE_LIMIT_TRIES
    ? { status: "dead" }
    : { status: "retrying", atMs: context.nowMs + waitMs };
  const { action, sentence } = explainSmsError(code);
  return {
    ...verdict("rate-limited", decision, sentence),
    errorCode: code,
    httpStatus,
    action,
  };
}

function retryAlong(waitsMs: readonly number[], context: SmsDecisionContext): Decision {
  const waitMs = waitsMs[context.attempt - 1];
  return waitMs === undefined
    ? { status: "dead" }
    : { status: "retrying", atMs: context.nowMs + jittered(waitMs, context) };
}

// ±10 %, so that the lanes of many sessions do not come back in one moment.
function jittered(waitMs: number, { random }: SmsDecisionContext): number {
  return Math.round(waitMs * (0.9 + 0.2 * random()));
}

function verdict(
  attemptClass: AttemptClass,
  decision: Decision,
  detail: string,
): SmsVerdict {
  return { class: attemptClass, decision, detail, errorCode: null, httpStatus: null, action: null };
}
