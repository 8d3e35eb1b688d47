import { startDeadline } from "../../http/deadline.ts";
import { exchange as httpExchange, type ExchangeFailure } from "../../http/exchange.ts";
import type { HeadersView } from "../../http/headers_view.ts";
import { parseRetryAfter } from "../../http/retry_after.ts";
import { overFetch } from "../../http/transport.ts";
import { systemClock } from "../../support/clock.ts";
import type { SendResult } from "../provider.ts";
import { TOO_MANY_REQUESTS } from "./codes.ts";

/** Carries a result other than `taken` out through the `twilio` package, which passes errors on as they are. */
export class SendEnded extends Error {
  readonly result: Exclude<SendResult, { kind: "taken" }>;

  constructor(result: SendEnded["result"]) {
    super(`Cannot send the text: ${result.kind}`);
    this.name = "SendEnded";
    this.result = result;
  }
}

/** The part of the package's request that matters here (twilio-node `RequestClient.RequestOptions`). */
export interface TwilioCall {
  readonly method: string;
  readonly uri: string;
  readonly username?: string;
  readonly password?: string;
  readonly headers?: object;
  /** Of the query, for reading. */
  readonly params?: unknown;
  readonly data?: unknown;
}

/** What the package wants back. `body` is parsed already. */
export interface TwilioAnswer {
  readonly statusCode: number;
  readonly body: { readonly sid: string };
  readonly headers: Record<string, string>;
}

export interface TransportOptions {
  /** Its origin takes the place of the call's. */
  readonly apiUrl: URL;
  /** For the whole exchange, the answer's body included. */
  readonly timeoutMs: number;
  readonly fetch: typeof globalThis.fetch;
  readonly signal?: AbortSignal;
}

/** More than this is never held of an answer; a page of messages is far shorter. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/** The reason of a send that was given up before anything was sent. */
export const GIVEN_UP_EARLY = "given up before it began";

/**
 * Makes the one HTTP request that creates something, without a retry and without following a redirect.
 * Throws {@link SendEnded} for every end but a message taken.
 */
export async function postOnce(call: TwilioCall, options: TransportOptions): Promise<TwilioAnswer> {
  const body = new URLSearchParams(Object.entries(call.data ?? {})).toString();
  const { status, headers, untrustedBody } = await exchange(call, body, options);
  return judgeAnswer(status, headers, untrustedBody);
}

/** A JSON answer to reading, and what the other side's clock said, where it did. */
export interface TwilioReading {
  readonly statusCode: number;
  readonly body: Record<string, unknown>;
  readonly headers: Record<string, string>;
  /** Unix milliseconds, cut to whole seconds. */
  readonly answeredAtMs: number | null;
}

/** Reads once. Throws {@link SendEnded} for every answer but 200, in the words for sending: `ambiguous` is "perhaps later". */
export async function getOnce(call: TwilioCall, options: TransportOptions): Promise<TwilioReading> {
  const { status, headers, untrustedBody } = await exchange(call, null, options);
  const body = parseObject(untrustedBody);
  if (status !== 200) throw refusal(status, body, headers);
  const answeredAtMs = Date.parse(headers.get("date") ?? "");
  return {
    statusCode: status,
    body,
    headers: {},
    answeredAtMs: Number.isNaN(answeredAtMs) ? null : answeredAtMs,
  };
}

interface RawAnswer {
  readonly status: number;
  readonly headers: HeadersView;
  readonly untrustedBody: string;
}

async function exchange(
  call: TwilioCall,
  body: string | null,
  { apiUrl, timeoutMs, fetch, signal }: TransportOptions,
): Promise<RawAnswer> {
  if (signal?.aborted) throw new SendEnded({ kind: "not-sent", reason: GIVEN_UP_EARLY });
  // A client of its own, so a connection of its own. On a kept connection that dies Deno's fetch sends a POST again by
  // itself, although the first one may have been read (observed with Deno 2.9.6: one call, two requests on the wire).
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0, http2: false });
  using deadline = startDeadline({ clock: systemClock, timeoutMs, signal });
  const exchanged = await httpExchange(
    {
      method: call.method.toUpperCase(),
      url: addressOf(call, apiUrl),
      headers: requestHeaders(call),
      body: body === null ? null : new TextEncoder().encode(body),
    },
    { transport: overFetch(fetch, { client }), deadline, maxBodyBytes: MAX_ANSWER_BYTES },
  );
  if (exchanged.kind === "failure") throw new SendEnded(endOfFailure(exchanged, timeoutMs));
  const { status, headers } = exchanged;
  return { status, headers, untrustedBody: new TextDecoder().decode(exchanged.body) };
}

/** The path and query of an address at our Twilio. A path that looks like a host (`//host/…`) stays a path. */
export function atApi({ pathname, search }: URL, apiUrl: URL): URL {
  const address = new URL(apiUrl.origin);
  address.pathname = pathname;
  address.search = search;
  return address;
}

/** The call's path and query at our Twilio, wherever the package or a page's link says that it is. */
function addressOf({ uri, params }: TwilioCall, apiUrl: URL): URL {
  const address = atApi(new URL(uri), apiUrl);
  for (const [name, value] of Object.entries(params ?? {})) {
    address.searchParams.set(name, String(value));
  }
  return address;
}

function requestHeaders({ headers, username, password }: TwilioCall): Headers {
  const sent = new Headers(Object.entries(headers ?? {}));
  sent.set("authorization", `Basic ${btoa(`${username}:${password}`)}`);
  return sent;
}

function judgeAnswer(status: number, headers: HeadersView, untrustedBody: string): TwilioAnswer {
  const body = parseObject(untrustedBody);
  if (status >= 200 && status < 300) {
    const sid = body["sid"];
    if (typeof sid === "string" && sid !== "") {
      return { statusCode: status, body: { ...body, sid }, headers: {} };
    }
    throw new SendEnded({ kind: "ambiguous", reason: "the answer names no message", status });
  }
  throw refusal(status, body, headers);
}

function refusal(status: number, body: Record<string, unknown>, headers: HeadersView): SendEnded {
  const retryAfter = headers.get("retry-after");
  return new SendEnded(judgeRefusal(status, body, { retryAfter, nowMs: systemClock.now() }));
}

/** What an answer other than 2xx says. Pure. */
export function judgeRefusal(
  status: number,
  body: Record<string, unknown>,
  { retryAfter, nowMs }: { readonly retryAfter: string | null; readonly nowMs: number },
): SendEnded["result"] {
  const code = Number.isSafeInteger(body["code"]) ? Number(body["code"]) : null;
  // A 408 that Twilio did not write comes from something in between, which cannot know what Twilio did.
  if (status < 400 || status >= 500 || (status === 408 && code === null)) {
    return { kind: "ambiguous", reason: `answered with HTTP ${status}`, status };
  }
  if (status === 429 || code === TOO_MANY_REQUESTS) {
    const retryAfterMs = parseRetryAfter(retryAfter, nowMs);
    return { kind: "rate-limited", ...(retryAfterMs !== null && { retryAfterMs }) };
  }
  return { kind: "rejected", code, status };
}

function endOfFailure(
  { class: kind, reached, obstacle }: ExchangeFailure,
  timeoutMs: number,
): SendEnded["result"] {
  const ambiguous = (reason: string) => ({ kind: "ambiguous", reason }) as const;
  if (kind === "timeout") return ambiguous(`no answer within ${timeoutMs} ms`);
  if (kind === "aborted") return ambiguous("given up while it was under way");
  if (kind === "too-long") return ambiguous("the answer was too long");
  if (reached === "maybe") return ambiguous("the connection was lost");
  return { kind: "not-sent", reason: NOT_SENT[obstacle ?? "other"] };
}

const NOT_SENT = {
  "name-not-resolved": "the name was not resolved",
  refused: "the connection was refused",
  other: "no connection could be made",
} as const;

function parseObject(untrustedText: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(untrustedText);
    return typeof parsed === "object" && parsed !== null ? { ...parsed } : {};
  } catch {
    return {};
  }
}
