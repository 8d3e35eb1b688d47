import type { HttpHead } from "../../http/transport.ts";
import type { UpstreamRequest } from "./call.ts";

/**
 * The client's headers that go upstream as they came (DESIGN §6). `authorization` has a rule of its own, and
 * `x-request-id`, `x-forwarded-*` and `via` are written afresh.
 */
const UPSTREAM_REQUEST_HEADERS: ReadonlySet<string> = new Set([
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
const UPSTREAM_ANSWER_HEADERS: ReadonlySet<string> = new Set([
  "content-type",
  "retry-after",
]);

/** Statuses whose answers have no body (Fetch standard, "null body status"). */
export const NULL_BODY_STATUSES: ReadonlySet<number> = new Set([204, 205, 304]);

// The codings that Deno's fetch asks for and undoes; it leaves the header standing although it no longer holds.
const UNDONE_CODINGS = /^(gzip|br)$/i;

const TRACE_HEADERS = ["traceparent", "tracestate"];

/** What a request carries beside the client's own headers. */
export interface RequestHeaderRules {
  readonly authorization: string | null;
  /** The cookies and the CSRF token of the agent's link. */
  readonly link: Headers;
  /** Whether the platform adds trace headers by itself. */
  readonly tracedByPlatform: boolean;
}

/** The client's `authorization`, unless it is meant for this hop only. */
export function clientAuthorization(request: UpstreamRequest): string | null {
  return hopOnlyNames(request.untrustedHeaders).has("authorization") ? null : request.authorization;
}

/** The headers of a request to upstream. */
export function requestHeaders(
  request: UpstreamRequest,
  { authorization, link, tracedByPlatform }: RequestHeaderRules,
): Headers {
  const hopOnly = hopOnlyNames(request.untrustedHeaders);
  if (tracedByPlatform) TRACE_HEADERS.forEach((name) => hopOnly.add(name));

  // Upstream chose the name of its CSRF header; what is set after it cannot be replaced by it.
  const headers = new Headers(link);
  for (const name of UPSTREAM_REQUEST_HEADERS) {
    const value = request.untrustedHeaders.get(name);
    if (value !== null && !hopOnly.has(name)) headers.set(name, value);
  }
  if (authorization !== null) headers.set("authorization", authorization);

  headers.set("x-request-id", request.requestId);
  if (request.clientIp !== null) headers.set("x-forwarded-for", request.clientIp);
  headers.set("x-forwarded-proto", request.forwardedProto);
  if (request.forwardedHost !== null) headers.set("x-forwarded-host", request.forwardedHost);
  // RFC 9110 §7.6.3, with a pseudonym in place of our host.
  headers.set("via", "1.1 patchbay");
  return headers;
}

/** The headers of the answer to the client; `bodyBytes` is the length of what is really sent. */
export function answerHeaders(answer: HttpHead, bodyBytes: number): Headers {
  const headers = new Headers({ "cache-control": "no-store" });
  const hopOnly = hopOnlyNames(answer.headers);
  for (const name of UPSTREAM_ANSWER_HEADERS) {
    const value = answer.headers.get(name);
    if (value !== null && !hopOnly.has(name)) headers.set(name, value);
  }
  // A coding that fetch did not undo is still true of the bytes.
  const coding = answer.headers.get("content-encoding");
  if (coding !== null && !UNDONE_CODINGS.test(coding)) headers.set("content-encoding", coding);
  if (!NULL_BODY_STATUSES.has(answer.status)) headers.set("content-length", String(bodyBytes));
  return headers;
}

/** RFC 9110 §7.6.1: what Connection names is for this hop only, whatever it is called and whoever says so. */
function hopOnlyNames(untrustedHeaders: Pick<Headers, "get">): Set<string> {
  const names = untrustedHeaders.get("connection")?.split(",") ?? [];
  return new Set(names.map((name) => name.trim().toLowerCase()));
}
