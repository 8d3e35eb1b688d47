import type { Context } from "hono";
import type { AppEnv } from "../middleware/app_env.ts";
import type { OperationFault } from "../services/contact_centre/dialect/operations.ts";
import { InvalidBody, InvalidParameter } from "../services/errors.ts";
import type { UpstreamAnswer, UpstreamRequest } from "../services/contact_centre/rest/call.ts";
import { NULL_BODY_STATUSES } from "../services/contact_centre/rest/headers.ts";

/** Bodies of proxied requests (DESIGN §6). */
export const MAX_PROXIED_BODY_BYTES = 64 * 1024;

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

/** How a client is told that its operation cannot be forwarded. */
export function operationRefusal(
  { code, message }: OperationFault,
): InvalidBody | InvalidParameter {
  return code === "invalid-body" ? new InvalidBody(message) : new InvalidParameter(message);
}

/** Upstream's answer as the client gets it. */
export function answerWith({ status, headers, body }: UpstreamAnswer): Response {
  return new Response(NULL_BODY_STATUSES.has(status) ? null : body, { status, headers });
}
