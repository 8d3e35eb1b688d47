import type { Clock } from "../../support/clock.ts";
import { describeNetworkFailure, type NetworkFailure } from "../../http/network_failure.ts";
import { singleSend } from "../../support/single_send.ts";
import { parseRetryAfter } from "../../http/retry_after.ts";

/** A request, ready to go. */
export interface WebhookRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
}

export interface PostOptions {
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  /** Bounds the whole exchange, the answer's body included. */
  readonly timeoutMs: number;
  /** Ends the exchange at once. */
  readonly signal: AbortSignal;
}

/** What came of it. */
export type WebhookAnswer =
  | {
    readonly kind: "answer";
    readonly status: number;
    /** When its status and headers had come, in Unix milliseconds. */
    readonly firstByteAtMs: number;
    /** What Retry-After asked for; null: nothing. */
    readonly retryAfterMs: number | null;
    /** The first {@link MAX_EXCERPT_BYTES} of the answer, as text. */
    readonly untrustedExcerpt: string;
    /** Why the answer's body was not read to its end; null: it was, or there was more than is read of any. */
    readonly cutOff: string | null;
  }
  | NetworkFailure
  | { readonly kind: "failure"; readonly class: "timeout" | "shutdown"; readonly detail: string };

/** More than this is never read of an answer. */
export const MAX_ANSWER_BYTES = 16 * 1_024;
/** This much is kept of it. */
export const MAX_EXCERPT_BYTES = 4 * 1_024;

/**
 * Sends one request and reads as much of the answer as is wanted. Never throws for what the other side or the network
 * does. Redirects are answers. The status decides: an answer whose body drips on past the deadline is still that
 * answer, because the consumer has said what it made of the event, and asking again would only double it.
 */
export async function postWebhook(
  { url, headers, body }: WebhookRequest,
  { fetch, clock, timeoutMs, signal }: PostOptions,
): Promise<WebhookAnswer> {
  const ending = new AbortController();
  const shutDown = () => ending.abort("shutdown");
  const timer = clock.after(timeoutMs, () => ending.abort("timeout"));
  signal.addEventListener("abort", shutDown);
  if (signal.aborted) shutDown();
  try {
    const response = await fetch(url, {
      method: "POST",
      headers,
      body: singleSend(body),
      redirect: "manual",
      signal: ending.signal,
    });
    const firstByteAtMs = clock.now();
    const { bytes, cutOff } = await readBeginning(response.body, ending.signal);
    return {
      kind: "answer",
      status: response.status,
      firstByteAtMs,
      retryAfterMs: parseRetryAfter(response.headers.get("retry-after"), clock.now()),
      untrustedExcerpt: decodeExcerpt(bytes),
      cutOff,
    };
  } catch (error) {
    if (!ending.signal.aborted) return describeNetworkFailure(error);
    return ending.signal.reason === "timeout"
      ? { kind: "failure", class: "timeout", detail: `No answer within ${timeoutMs} ms` }
      : { kind: "failure", class: "shutdown", detail: "This instance is shutting down" };
  } finally {
    timer.cancel();
    signal.removeEventListener("abort", shutDown);
  }
}

async function readBeginning(
  body: ReadableStream<Uint8Array> | null,
  ending: AbortSignal,
): Promise<{ bytes: Uint8Array; cutOff: string | null }> {
  if (body === null) return { bytes: new Uint8Array(), cutOff: null };
  const bytes = new Uint8Array(MAX_ANSWER_BYTES);
  let length = 0;
  const reader = body.getReader();
  try {
    while (length < MAX_ANSWER_BYTES) {
      const { done, value } = await reader.read();
      if (done) break;
      const taken = value.subarray(0, MAX_ANSWER_BYTES - length);
      bytes.set(taken, length);
      length += taken.length;
    }
    await reader.cancel();
    return { bytes: bytes.subarray(0, length), cutOff: null };
  } catch {
    const cutOff = ending.aborted
      ? `The answer's body was not over at the ${ending.reason}`
      : "The connection broke within the answer's body";
    return { bytes: bytes.subarray(0, length), cutOff };
  }
}

function decodeExcerpt(bytes: Uint8Array): string {
  // `stream` leaves out a character that the cut went through.
  return new TextDecoder().decode(bytes.subarray(0, MAX_EXCERPT_BYTES), { stream: true });
}
