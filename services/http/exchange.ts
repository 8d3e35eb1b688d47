import { concatenate } from "../support/concatenate.ts";
import type { Deadline } from "./deadline.ts";
import { type NetworkFailure, NotSent, readNetworkFailure } from "./network_failure.ts";
import type { HttpBody, HttpHead, HttpRequest, HttpTransport } from "./transport.ts";

/** What came of a request. */
export type Exchange = ExchangedAnswer | ExchangeFailure;

/** An answer, as far as it came. */
export interface BegunAnswer extends HttpHead {
  /** When status and headers were there, in Unix milliseconds. */
  readonly headAtMs: number;
  /** Decoded where the other side compressed it; never more than the bound. */
  readonly body: Uint8Array<ArrayBuffer>;
}

/** A whole answer. */
export interface ExchangedAnswer extends BegunAnswer {
  readonly kind: "answer";
}

/** No answer, or one that did not come to its end. */
export type ExchangeFailure = Unanswered | Unfinished;

interface Failure extends Omit<NetworkFailure, "class"> {
  readonly kind: "failure";
  /** What the transport threw, if it did. */
  readonly cause?: unknown;
}

/** A request that brought no answer. */
export interface Unanswered extends Failure {
  readonly class: NetworkFailure["class"] | "timeout" | "aborted";
  readonly begun: null;
}

/** An answer whose body was not read to its end. */
export interface Unfinished extends Failure {
  /** `too-long`: the body is longer than the bound. `unwanted`: the caller did not want it. */
  readonly class: Unanswered["class"] | "too-long" | "unwanted";
  readonly begun: BegunAnswer;
}

export interface ExchangeOptions {
  readonly transport: HttpTransport;
  /** For the request and the whole of its answer; several exchanges may share one. */
  readonly deadline: Deadline;
  /** As soon as more than this has come of the answer's body, decompressed, the rest is cancelled. */
  readonly maxBodyBytes: number;
  /** Hears status and headers before the body is read. False: the body is not wanted and is cancelled. */
  readonly onHead?: (head: HttpHead) => boolean | Promise<boolean>;
}

/**
 * Sends one request and reads its answer, both within the deadline. All that Patchbay asks
 * of others over HTTP goes out here, but for the commands to Upstash, whose own package sends them. Nothing is sent twice and no redirect is followed. Never throws for what the other
 * side or the network does; what `onHead` throws counts as a failure of the exchange.
 */
export async function exchange(
  request: HttpRequest,
  { transport, deadline, maxBodyBytes, onHead = () => true }: ExchangeOptions,
): Promise<Exchange> {
  let begun: BegunAnswer | null = null;
  try {
    const { status, headers, body } = await transport(request, deadline);
    begun = { status, headers, headAtMs: deadline.clock.now(), body: NO_BYTES };
    if (!await onHead({ status, headers })) {
      await body?.cancel();
      return stopped("unwanted", begun);
    }
    if (body === null) return { kind: "answer", ...begun };

    const reading = await readBody(body, maxBodyBytes);
    begun = { ...begun, body: reading.bytes };
    if (reading.end === "whole") return { kind: "answer", ...begun };
    if (reading.end === "too-long") return stopped("too-long", begun);
    throw reading.error;
  } catch (error) {
    return failureOf(error, deadline, begun);
  }
}

const NO_BYTES = new Uint8Array();

type Reading =
  | { readonly end: "whole"; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly end: "too-long"; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly end: "broken"; readonly bytes: Uint8Array<ArrayBuffer>; readonly error: unknown };

async function readBody(body: HttpBody, maxBytes: number): Promise<Reading> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (let piece = await body.read(); piece !== null; piece = await body.read()) {
      const taken = piece.subarray(0, maxBytes - length);
      chunks.push(taken);
      length += taken.length;
      if (taken.length < piece.length) {
        await body.cancel();
        return { end: "too-long", bytes: concatenate(chunks, length) };
      }
    }
    return { end: "whole", bytes: concatenate(chunks, length) };
  } catch (error) {
    return { end: "broken", bytes: concatenate(chunks, length), error };
  }
}

const STOPPED = {
  "too-long": "The answer was too long",
  unwanted: "The answer was not wanted",
} as const;

function stopped(kind: keyof typeof STOPPED, begun: BegunAnswer): Unfinished {
  const detail = STOPPED[kind];
  return { kind: "failure", class: kind, reached: "maybe", obstacle: null, detail, begun };
}

const ENDED = {
  timeout: "The answer did not come in time",
  aborted: "The request was given up",
} as const;

function failureOf(
  cause: unknown,
  { ended }: Deadline,
  begun: BegunAnswer | null,
): ExchangeFailure {
  const failure = ended === null
    ? readNetworkFailure(cause)
    : { class: ended, reached: reachedBy(cause), obstacle: null, detail: ENDED[ended] };
  if (begun === null) return { kind: "failure", ...failure, cause, begun };
  // Whoever has begun to answer has got the request.
  return { kind: "failure", ...failure, reached: "maybe", cause, begun };
}

/** The end of the time may find a request that waits for its connection. */
function reachedBy(cause: unknown): NetworkFailure["reached"] {
  return cause instanceof NotSent ? "never" : "maybe";
}
