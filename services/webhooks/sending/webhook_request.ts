import type { Clock } from "../../support/clock.ts";
import { startDeadline } from "../../http/deadline.ts";
import {
  type BegunAnswer,
  exchange,
  type Unanswered,
  type Unfinished,
} from "../../http/exchange.ts";
import type { HttpTransport } from "../../http/transport.ts";
import { parseRetryAfter } from "../../http/retry_after.ts";

/** A request, ready to go. */
export interface WebhookRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
}

export interface PostOptions {
  /** The way out, behind the egress guard. */
  readonly transport: HttpTransport;
  readonly clock: Clock;
  /** Bounds the whole exchange, the answer's body included. */
  readonly timeoutMs: number;
  /** Ends the exchange at once. */
  readonly signal: AbortSignal;
  /** Told each address that is dialled, and at last the one that the request goes to. */
  readonly onAddress?: (address: string) => void;
}

/** What came of it. */
export type WebhookAnswer =
  | {
    readonly kind: "answer";
    readonly status: number;
    /** When its status and headers had come, in Unix milliseconds. */
    readonly firstByteAtMs: number;
    /** What Retry-After asked for; null where it asked for nothing. */
    readonly retryAfterMs: number | null;
    /** The answer's body as far as it was read: {@link MAX_ANSWER_BYTES} at most. */
    readonly untrustedBody: Uint8Array;
    /** Why the answer's body was cut off; null where it was read to its end, or as far as any is. */
    readonly cutOff: string | null;
  }
  | {
    readonly kind: "failure";
    readonly class: Exclude<Unanswered["class"], "aborted"> | "shutdown";
    /** One line for people. */
    readonly detail: string;
  };

/** More than this is never read of an answer. */
export const MAX_ANSWER_BYTES = 16 * 1_024;

/**
 * Sends one request and reads as much of the answer as is wanted. Never throws for what the other side or the network
 * does. Redirects are answers. The status decides: an answer whose body drips on past the deadline is still that
 * answer, because the consumer has said what it made of the event, and asking again would only double it.
 */
export async function postWebhook(
  { url, headers, body }: WebhookRequest,
  { transport, clock, timeoutMs, signal, onAddress = () => {} }: PostOptions,
): Promise<WebhookAnswer> {
  using deadline = startDeadline({ clock, timeoutMs, signal });
  const request = { method: "POST", url, headers, body, decode: true, onAddress };
  const exchanged = await exchange(request, {
    transport,
    deadline,
    // Whether more comes after so much is not waited for.
    maxBodyBytes: MAX_ANSWER_BYTES - 1,
  });
  if (exchanged.kind === "answer") return answerOf(exchanged, null, clock);
  return exchanged.begun === null
    ? failureOf(exchanged, timeoutMs)
    : answerOf(exchanged.begun, cutOffOf(exchanged), clock);
}

function answerOf(
  { status, headers, headAtMs, body }: BegunAnswer,
  cutOff: string | null,
  clock: Clock,
): WebhookAnswer {
  return {
    kind: "answer",
    status,
    firstByteAtMs: headAtMs,
    retryAfterMs: parseRetryAfter(headers.get("retry-after"), clock.now()),
    untrustedBody: body,
    cutOff,
  };
}

function failureOf({ class: kind, detail }: Unanswered, timeoutMs: number): WebhookAnswer {
  switch (kind) {
    case "timeout":
      return { kind: "failure", class: "timeout", detail: `No answer within ${timeoutMs} ms` };
    case "aborted":
      return { kind: "failure", class: "shutdown", detail: "This instance is shutting down" };
    default:
      return { kind: "failure", class: kind, detail };
  }
}

/** Why the body was cut off; null where enough of it was read. */
function cutOffOf({ class: kind }: Unfinished): string | null {
  switch (kind) {
    case "too-long":
      return null;
    case "timeout":
      return "The answer's body was not over at the timeout";
    case "aborted":
      return "The answer's body was not over at the shutdown";
    default:
      return "The connection broke within the answer's body";
  }
}
