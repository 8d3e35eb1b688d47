import { type Deadline, startDeadline } from "../../http/deadline.ts";
import { exchange, type ExchangeFailure } from "../../http/exchange.ts";
import { type HttpHead, overFetch } from "../../http/transport.ts";
import { systemClock } from "../../support/clock.ts";
import { MOST_MEDIA_BYTES, relayedType } from "../media_bounds.ts";
import type { MediaReading, MediaRequest } from "../provider.ts";
import { atApi } from "./transport.ts";

export interface TwilioMediaOptions {
  readonly accountSid: string;
  readonly authToken: string;
  /** Where the Twilio REST API is; its origin counts as Twilio's host. */
  readonly apiUrl: URL;
  /** For one reading, its redirects included. */
  readonly timeoutMs: number;
  readonly fetch: typeof globalThis.fetch;
}

export interface TwilioMedia {
  fetchMedia(request: MediaRequest): Promise<MediaReading>;
}

/** The API redirects to the CDN; the CDN may do so once more. */
const MOST_REDIRECTS = 2;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * Reads media as https://www.twilio.com/docs/messaging/api/media-resource has it: the API wants the account's credentials and
 * redirects to a CDN that wants none. Redirects are followed by hand, to Twilio's hosts alone, and never with credentials.
 */
export function createTwilioMedia(options: TwilioMediaOptions): TwilioMedia {
  const { apiUrl, timeoutMs, fetch } = options;
  const transport = overFetch(fetch);

  async function read(
    { url: address, method, range }: MediaRequest,
    deadline: Deadline,
  ): Promise<MediaReading> {
    let place = placeOfMedia(address, apiUrl);
    for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
      if (place === null) return notThere("it is not on a host of Twilio's");
      const headers = requestHeaders(range, place.wantsCredentials ? options : null);
      const exchanged = await exchange(
        { method, url: place.url, headers, body: null },
        {
          transport,
          deadline,
          maxBodyBytes: MOST_MEDIA_BYTES,
          onHead: (head) => !isPresent(head) || unrelayed(head) === null,
        },
      );
      if (exchanged.kind === "failure") return endOfFailure(exchanged);
      const location = redirectOf(exchanged);
      if (location !== null) {
        place = placeAfterRedirect(location, place.url, apiUrl);
      } else if (exchanged.status === 416 && range !== null) {
        const contentRange = exchanged.headers.get("content-range") ?? "";
        return {
          kind: "out-of-range",
          contentRange: /^bytes \*\/\d+$/.test(contentRange) ? contentRange : null,
        };
      } else {
        return judge(exchanged, { body: method === "GET" ? exchanged.body : null, range });
      }
    }
    return failed("it was redirected too often");
  }

  return {
    async fetchMedia(request) {
      using deadline = startDeadline({ clock: systemClock, timeoutMs, signal: request.signal });
      return await read(request, deadline);
    },
  };
}

interface Place {
  readonly url: URL;
  readonly wantsCredentials: boolean;
}

/**
 * Where media are read, by the address that Twilio's request has named; null: nowhere of Twilio's. What is at the API is read
 * where our API is, whatever region or edge the address names.
 */
export function placeOfMedia(untrustedAddress: string, apiUrl: URL): Place | null {
  const url = URL.parse(untrustedAddress);
  if (url === null) return null;
  const isApi = url.origin === apiUrl.origin || (isPlain(url) && API_HOST.test(url.hostname));
  if (isApi) return { url: atApi(url, apiUrl), wantsCredentials: true };
  return placeAfterRedirect(untrustedAddress, url, apiUrl);
}

/** Where a redirect leads; null: away from Twilio's hosts. */
export function placeAfterRedirect(
  untrustedLocation: string,
  from: URL,
  apiUrl: URL,
): Place | null {
  const url = URL.parse(untrustedLocation, from);
  if (url === null || !(url.origin === apiUrl.origin || isCdn(url))) return null;
  return { url, wantsCredentials: false };
}

/** `api.twilio.com`, or an edge and region of it such as `api.sydney.au1.twilio.com`. */
const API_HOST = /^api(?:\.[a-z0-9-]+){0,2}\.twilio\.com$/;
const CDN_HOST = /^(?:[a-z0-9-]+\.)*(?:twilio|twiliocdn)\.com$/;

function isCdn(url: URL): boolean {
  if (!isPlain(url)) return false;
  // The bucket that the CDN's files are in, by its path-style address.
  if (url.hostname === "s3-external-1.amazonaws.com") {
    return url.pathname.startsWith("/media.twiliocdn.com/");
  }
  return CDN_HOST.test(url.hostname);
}

function isPlain({ protocol, port, username, password }: URL): boolean {
  return protocol === "https:" && port === "" && username === "" && password === "";
}

function requestHeaders(
  range: string | null,
  account: Pick<TwilioMediaOptions, "accountSid" | "authToken"> | null,
): Headers {
  // Compressed, neither lengths nor ranges would be those of what is passed on.
  const headers = new Headers({ "accept": "*/*", "accept-encoding": "identity" });
  if (range !== null) headers.set("range", range);
  if (account !== null) {
    headers.set("authorization", `Basic ${btoa(`${account.accountSid}:${account.authToken}`)}`);
  }
  return headers;
}

function redirectOf({ status, headers }: HttpHead): string | null {
  return REDIRECTS.has(status) ? headers.get("location") : null;
}

const isPresent = ({ status }: HttpHead) => status === 200 || status === 206;

function judge(
  head: HttpHead,
  { body, range }: { readonly body: Uint8Array<ArrayBuffer> | null; readonly range: string | null },
): MediaReading {
  const { status, headers } = head;
  if (status === 404 || status === 410) return notThere("Twilio has it no more");
  if (!isPresent(head)) return failed(`answered with HTTP ${status}`);
  const contentRange = status === 206 ? headers.get("content-range") : null;
  if (status === 206 && (range === null || !CONTENT_RANGE.test(contentRange ?? ""))) {
    return failed("the answer is a part that was not asked for");
  }
  const contentType = relayedType(headers.get("content-type"));
  if (contentType === null) return notThere(OTHER_TYPE);
  const length = body === null ? lengthIn(headers.get("content-length")) : body.length;
  return { kind: "read", contentType, length, contentRange, body };
}

const OTHER_TYPE = "it is of a type that is not relayed";
const TOO_LONG = "it is too long";
const CONTENT_RANGE = /^bytes \d+-\d+\/(?:(\d+)|\*)$/;

/** Why what is there is not relayed, as far as its head tells; null: it is. */
function unrelayed({ headers }: HttpHead): string | null {
  if (relayedType(headers.get("content-type")) === null) return OTHER_TYPE;
  const [, total] = CONTENT_RANGE.exec(headers.get("content-range") ?? "") ?? [];
  const length = lengthIn(total ?? headers.get("content-length"));
  return length !== null && length > MOST_MEDIA_BYTES ? TOO_LONG : null;
}

function lengthIn(untrustedLength: string | null): number | null {
  return /^\d{1,15}$/.test(untrustedLength ?? "") ? Number(untrustedLength) : null;
}

function endOfFailure({ class: kind, begun }: ExchangeFailure): MediaReading {
  if (kind === "too-long") return notThere(TOO_LONG);
  if (kind === "unwanted") return notThere(unrelayed(begun) ?? OTHER_TYPE);
  return { kind: "failed", timedOut: kind === "timeout", reason: `no answer: ${kind}` };
}

const notThere = (reason: string): MediaReading => ({ kind: "not-there", reason });
const failed = (reason: string): MediaReading => ({ kind: "failed", timedOut: false, reason });
