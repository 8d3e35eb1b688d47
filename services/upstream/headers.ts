import type { Config } from "../config.ts";
import type { UpstreamRequest } from "./exchange.ts";

/**
 * The client's headers that go upstream as they came (DESIGN §6). `authorization` has a rule of its own, and
 * `x-request-id`, `x-forwarded-*` and `via` are written afresh.
 */
export const UPSTREAM_REQUEST_HEADERS: ReadonlySet<string> = new Set([
  "content-type",
  "accept",
  "accept-language",
  "traceparent",
  "tracestate",
]);

/**
 * Upstream's headers that go back to the client as they came (DESIGN §6). `content-length` and `cache-control` are
 * written afresh. `location` is not among them: upstream's names are not the client's.
 */
export const UPSTREAM_ANSWER_HEADERS: ReadonlySet<string> = new Set([
  "content-type",
  "retry-after",
]);

/** Statuses whose answers have no body (Fetch standard, "null body status"). */
export const NULL_BODY_STATUSES: ReadonlySet<number> = new Set([204, 205, 304]);

// The codings that Deno's fetch asks for and undoes; it leaves the header standing although it no longer holds.
const UNDONE_CODINGS = /^(gzip|br)$/i;

const TRACE_HEADERS = ["traceparent", "tracestate"];

/** Whose credentials go upstream, and whether the platform adds trace headers by itself. */
export interface RequestHeaderRules {
  readonly auth: Config["upstream"]["auth"];
  readonly tracedByPlatform: boolean;
}

/** The headers of a request to upstream. */
export function requestHeaders(
  request: UpstreamRequest,
  { auth, tracedByPlatform }: RequestHeaderRules,
): Headers {
  // RFC 9110 §7.6.1: what Connection names is for this hop only, whatever it is called.
  const hopOnly = new Set(listed(request.untrustedHeaders.get("connection")));
  if (tracedByPlatform) TRACE_HEADERS.forEach((name) => hopOnly.add(name));

  const headers = new Headers();
  for (const name of UPSTREAM_REQUEST_HEADERS) {
    const value = request.untrustedHeaders.get(name);
    if (value !== null && !hopOnly.has(name)) headers.set(name, value);
  }
  if (auth.mode === "basic") {
    headers.set("authorization", basicAuthorization(auth.username, auth.password));
  } else if (request.authorization !== null && !hopOnly.has("authorization")) {
    headers.set("authorization", request.authorization);
  }

  headers.set("x-request-id", request.requestId);
  if (request.clientIp !== null) headers.set("x-forwarded-for", request.clientIp);
  headers.set("x-forwarded-proto", request.forwardedProto);
  if (request.forwardedHost !== null) headers.set("x-forwarded-host", request.forwardedHost);
  // RFC 9110 §7.6.3, with a pseudonym in place of our host.
  headers.set("via", "1.1 patchbay");
  return headers;
}

/** The headers of the answer to the client; `bodyBytes` is the length of what is really sent. */
export function answerHeaders(answer: Response, bodyBytes: number): Headers {
  const headers = new Headers({ "cache-control": "no-store" });
  for (const name of UPSTREAM_ANSWER_HEADERS) {
    const value = answer.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  // A coding that fetch did not undo is still true of the bytes.
  const coding = answer.headers.get("content-encoding");
  if (coding !== null && !UNDONE_CODINGS.test(coding)) headers.set("content-encoding", coding);
  if (!NULL_BODY_STATUSES.has(answer.status)) headers.set("content-length", String(bodyBytes));
  return headers;
}

/**
 * RFC 7617 §2. The contact centre's own clients encode the pair as ISO-8859-1; what that cannot express goes as UTF-8.
 */
function basicAuthorization(username: string, password: string): string {
  const pair = `${username}:${password}`;
  // deno-lint-ignore no-control-regex
  const isLatin1 = /^[\x00-\xff]*$/.test(pair);
  return `Basic ${isLatin1 ? btoa(pair) : new TextEncoder().encode(pair).toBase64()}`;
}

function listed(value: string | null): string[] {
  return value === null ? [] : value.split(",").map((name) => name.trim().toLowerCase());
}
