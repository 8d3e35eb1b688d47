import type { AttemptClass, Decision } from "../delivery/sink.ts";
import type { UnreadableNumber } from "./phone.ts";
import { passesSoon, type SmsErrorAction, type SmsProvider } from "./provider.ts";

/** What an attempt to text the customer came to: what the provider said, or why it was not asked. */
export type SmsFinding =
  /** The provider has every part of it. */
  | { readonly kind: "sent" }
  /** Refused with the provider's code, where there is one; `status` null: not even asked, as the answer is known. */
  | {
    readonly kind: "rejected";
    readonly code: number | null;
    readonly status: number | null;
    readonly tries?: number;
  }
  /** Surely not taken. `tries`: how many of this kind there were, this one included. */
  | { readonly kind: "rate-limited"; readonly retryAfterMs?: number; readonly tries: number }
  | { readonly kind: "not-sent"; readonly reason: string; readonly tries: number }
  | { readonly kind: "no-customer-number"; readonly tries: number }
  /** It was on its way to another number than the customer's present one. `inDoubt`: and may have reached it. */
  | { readonly kind: "number-changed"; readonly inDoubt: boolean }
  /** What was told as the customer's number cannot be read as anybody's. */
  | { readonly kind: "nobodys-number"; readonly why: UnreadableNumber }
  /** It may have left and is looked up again at that time; `status` is the HTTP status of an answer. */
  | {
    readonly kind: "in-doubt";
    readonly reason: string;
    readonly atMs: number;
    readonly status?: number;
  }
  /** It may have left, and nothing more can be learnt. */
  | { readonly kind: "unknown"; readonly reason: string }
  /** The same, for a text whose words or number are gone. */
  | { readonly kind: "lost" }
  /** Not its turn: nothing was tried. */
  | { readonly kind: "held-back"; readonly untilMs: number; readonly reason: string }
  /** The program is stopping; the next attempt goes on where this one was. */
  | { readonly kind: "shutdown" }
  /** The delivery has passed to somebody else. */
  | { readonly kind: "fenced" }
  /** The event no longer holds a message that may leave: its texts were expunged. */
  | { readonly kind: "no-message" }
  | { readonly kind: "too-long" }
  /** Upstream told of it after the Accept, with a time from long before: nobody knows whose word it is. */
  | { readonly kind: "older-than-mapping" }
  /** There is nothing to be seen in it. */
  | { readonly kind: "blank" }
  /** The session has ended meanwhile. */
  | { readonly kind: "too-late" };

/** How a step of an attempt ended the whole attempt; null: it did not, and the next step follows. */
export type StepEnd = Promise<SmsFinding | null>;

/** What a finding means. */
export interface SmsVerdict {
  readonly class: AttemptClass;
  readonly decision: Decision;
  /** One line for people. */
  readonly detail: string;
  readonly errorCode: number | null;
  /** HTTP status, where the provider answered. */
  readonly httpStatus: number | null;
  readonly action: SmsErrorAction | null;
}

export interface SmsDecisionContext {
  readonly provider: Pick<SmsProvider, "name" | "codes" | "explain">;
  readonly nowMs: number;
  /** In [0, 1). */
  readonly random: () => number;
  /** The waits of the ladder (`WEBHOOK_RETRY_S`): what surely was not sent has all of them. */
  readonly retryWaitsMs: readonly number[];
}

// userData often follows the first text of a session by seconds.
const NUMBER_WAITS_MS = [5_000, 30_000, 120_000];

/** Most rate limits are over within a second; the ladder begins behind these. */
const RATE_LIMIT_QUICK_WAITS_MS = [100, 200, 400, 800];
/** What the provider asks for is honoured up to here, beyond what the ladder waits anyway. */
const LONGEST_RETRY_AFTER_MS = 30_000;
/** RFC 6585 §4. */
const TOO_MANY_REQUESTS = 429;

// No later try reads the same text in another way, so the agent is told at once.
const NOBODYS_NUMBER: Readonly<Record<UnreadableNumber, string>> = {
  "no-country":
    "the customer's number is written without its country, so it could be anybody's: set it with its plus and calling code, or DEFAULT_COUNTRY",
  "no-number":
    "the customer's number is no valid telephone number: set it with its plus and calling code",
  "two-countries":
    "the customer's number is valid in two countries, so it could be somebody else's: set it with its plus and calling code",
};

// One text goes to one phone: to whom the rest is to be told is the agent's to say.
const NUMBER_CHANGED =
  "the customer's number was changed while the text was leaving, so nothing more of it is sent: say it again for the new number";
const NUMBER_CHANGED_IN_DOUBT =
  "the customer's number was changed while the text was leaving: it may have reached the number before, and is not sent to the new one";

const OLDER_THAN_MAPPING =
  "by the contact centre's clock the text is older than the Accept of its session: say it again if it is still to be told";

const DEAD: Decision = { status: "dead" };
const UNKNOWN: Decision = { status: "unknown" };

/**
 * What becomes of a text. Only what the provider surely did not take is sent again; what may have left is looked up and in the end
 * `unknown`, because a doubled text is worse than a missing one that can be seen.
 */
export function decideSms(finding: SmsFinding, context: SmsDecisionContext): SmsVerdict {
  switch (finding.kind) {
    case "sent":
      return verdict("ok", { status: "delivered" }, `${context.provider.name} took it`);
    case "rejected":
      return decideRejected(finding, context);
    case "rate-limited":
      return decideRateLimited({
        ...finding,
        code: context.provider.codes.tooManyRequests,
        status: TOO_MANY_REQUESTS,
      }, context);
    case "in-doubt": {
      const decision: Decision = { status: "retrying", atMs: finding.atMs };
      return {
        ...verdict("ambiguous", decision, finding.reason),
        httpStatus: finding.status ?? null,
      };
    }
    case "unknown":
      return verdict("ambiguous", UNKNOWN, finding.reason);
    case "lost":
      return verdict("interrupted", UNKNOWN, "it may have left, and can no longer be looked up");
    case "not-sent":
      return verdict(
        "connect-failed",
        retryAlong(context.retryWaitsMs, finding.tries, context),
        finding.reason,
      );
    case "held-back":
      return verdict("held-back", again(finding.untilMs), finding.reason);
    case "shutdown":
      return verdict(
        "shutdown",
        { status: "retrying", atMs: context.nowMs },
        "Patchbay is stopping",
      );
    case "fenced":
      return verdict("interrupted", again(context.nowMs), "another instance has taken it over");
    case "no-customer-number":
      return verdict(
        "no-customer-number",
        retryAlong(NUMBER_WAITS_MS, finding.tries, context),
        "the session has no phone number of the customer that can be used",
      );
    case "nobodys-number":
      return verdict("no-customer-number", DEAD, NOBODYS_NUMBER[finding.why]);
    case "number-changed":
      return finding.inDoubt
        ? verdict("ambiguous", UNKNOWN, NUMBER_CHANGED_IN_DOUBT)
        : verdict("not-sendable", DEAD, NUMBER_CHANGED);
    case "no-message":
      return verdict("rejected", DEAD, "the event holds no text that may be sent");
    case "too-long":
      return verdict("not-sendable", DEAD, "the text is too long to be sent, even in parts");
    case "older-than-mapping":
      return verdict("older-than-mapping", DEAD, OLDER_THAN_MAPPING);
    case "blank":
      return verdict("not-sendable", DEAD, "the text is blank, so there is nothing to send");
    case "too-late":
      return verdict("not-sendable", DEAD, "the session was over before the text could leave");
  }
}

function decideRejected(
  { code, status, tries = 1 }: Extract<SmsFinding, { kind: "rejected" }>,
  context: SmsDecisionContext,
): SmsVerdict {
  const { action, sentence } = context.provider.explain(code, status);
  if (passesSoon(action)) return decideRateLimited({ code, status, tries }, context);
  return { ...verdict("rejected", DEAD, sentence), errorCode: code, httpStatus: status, action };
}

function decideRateLimited(
  { code, status, tries, retryAfterMs = 0 }: {
    readonly code: number | null;
    readonly status: number | null;
    readonly tries: number;
    readonly retryAfterMs?: number;
  },
  context: SmsDecisionContext,
): SmsVerdict {
  const waitsMs = [...RATE_LIMIT_QUICK_WAITS_MS, ...context.retryWaitsMs];
  const leastMs = Math.min(retryAfterMs, LONGEST_RETRY_AFTER_MS);
  const decision = retryAlong(waitsMs, tries, context, leastMs);
  const { action, sentence } = context.provider.explain(code, status);
  return {
    ...verdict("rate-limited", decision, sentence),
    errorCode: code,
    httpStatus: status,
    action,
  };
}

/** Due again without anything having been tried. */
function again(atMs: number): Decision {
  return { status: "retrying", atMs, counted: false };
}

/** The wait that follows the tries so far, `leastMs` at least; dead where there is none left. */
function retryAlong(
  waitsMs: readonly number[],
  tries: number,
  context: SmsDecisionContext,
  leastMs = 0,
): Decision {
  const waitMs = waitsMs[tries - 1];
  return waitMs === undefined ? DEAD : {
    status: "retrying",
    atMs: context.nowMs + Math.max(jittered(waitMs, context), leastMs),
  };
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
