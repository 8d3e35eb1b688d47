import type { Context } from "hono";
import type { AppEnv } from "../middleware/app_env.ts";
import { isAgentIdInPath, isSessionIdInPath } from "../services/contact_centre/dialect/ids.ts";
import { NotFound } from "../services/errors.ts";
import type { UpstreamAnswer, UpstreamRequest } from "../services/contact_centre/rest/call.ts";
import { NULL_BODY_STATUSES } from "../services/contact_centre/rest/headers.ts";

/** Bodies of proxied requests (DESIGN §6). */
export const MAX_PROXIED_BODY_BYTES = 64 * 1024;

/** A session's id from the path, safe to be part of upstream's. Throws `NotFound` for what cannot be one. */
export function pathSessionId(c: Context<AppEnv>, name: string): string {
  const untrustedId = c.req.param(name) ?? "";
  if (isSessionIdInPath(untrustedId)) return untrustedId;
  throw new NotFound(
    "Cannot find anything at this path: expected an id of up to 128 letters, digits, _, ~ and -",
  );
}

/** An agent's id from the path, safe to be part of upstream's. Throws `NotFound` for what cannot be one. */
export function pathAgentId(c: Context<AppEnv>, name: string): string {
  const untrustedId = c.req.param(name) ?? "";
  if (isAgentIdInPath(untrustedId)) return untrustedId;
  throw new NotFound(
    "Cannot find anything at this path: expected a user id of up to 128 letters, digits and . _ ~ @ -",
  );
}

/** The client's request as it goes upstream. `path` is made of constants and ids that were judged. */
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
