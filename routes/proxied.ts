import type { Context } from "hono";
import type { AppEnv } from "../middleware/app_env.ts";
import { NotFound } from "../services/errors.ts";
import type { UpstreamAnswer, UpstreamRequest } from "../services/contact_centre/rest/upstream.ts";
import { NULL_BODY_STATUSES } from "../services/contact_centre/rest/headers.ts";

/** Bodies of proxied requests (DESIGN §6). */
export const MAX_PROXIED_BODY_BYTES = 64 * 1024;

/** An agent's id, which the issuer chooses and which is an e-mail address as often as not. */
const AGENT_ID = /^(?!\.{1,2}$)[A-Za-z0-9._~@-]{1,128}$/;

// The vendor's ids are alphanumeric; the rest are RFC 3986 §2.3 unreserved, less the dot that could climb a path.
const ID = /^[A-Za-z0-9_~-]{1,128}$/;

/** An id from the path, safe to be part of upstream's. Throws `NotFound` for what cannot be one. */
export function pathId(c: Context<AppEnv>, name: string): string {
  const untrustedId = c.req.param(name) ?? "";
  if (ID.test(untrustedId)) return untrustedId;
  throw new NotFound(
    "Cannot find anything at this path: expected an id of up to 128 letters, digits, _, ~ and -",
  );
}

/** An agent's id from the path, safe to be part of upstream's. Throws `NotFound` for what cannot be one. */
export function pathAgentId(c: Context<AppEnv>, name: string): string {
  const untrustedId = c.req.param(name) ?? "";
  if (AGENT_ID.test(untrustedId)) return untrustedId;
  throw new NotFound(
    "Cannot find anything at this path: expected a user id of up to 128 letters, digits and . _ ~ @ -",
  );
}

/** The client's request as it goes upstream. `path` is made of constants and {@link pathId}. */
export function upstreamRequest(
  c: Context<AppEnv>,
  method: "GET" | "POST",
  path: string,
): UpstreamRequest {
  const { url, headers, signal } = c.req.raw;
  const queryStart = url.indexOf("?");
  const reachedAt = c.get("reachedAt");
  const agent = c.get("agent");
  return {
    agentId: agent.id,
    method,
    path,
    search: queryStart === -1 ? "" : url.slice(queryStart),
    untrustedHeaders: headers,
    body: method === "POST" ? c.get("body").bytes : null,
    requestId: c.get("requestId"),
    clientIp: c.get("clientIp"),
    forwardedProto: reachedAt.proto,
    forwardedHost: reachedAt.host,
    authorization: headers.get("authorization"),
    authorizationExpiresAtMs: agent.tokenExpiresAtMs,
    signal: c.get("outlivesClient") ? new AbortController().signal : signal,
  };
}

/** Upstream's answer as the client gets it. */
export function answerWith({ status, headers, body }: UpstreamAnswer): Response {
  return new Response(NULL_BODY_STATUSES.has(status) ? null : body, { status, headers });
}
