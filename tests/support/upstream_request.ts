import type { UpstreamRequest } from "../../services/contact_centre/rest/call.ts";

const ACCEPT = '{"operationName":"Accept","nickname":"Ada"}';

/** A well-formed request to upstream: an Accept of `session-1` unless the test says otherwise. */
export function aRequest(
  { text = ACCEPT, ...changes }: Partial<UpstreamRequest> & { readonly text?: string } = {},
): UpstreamRequest {
  return {
    agentId: "agent-1",
    method: "POST",
    path: "/api/v2/me/smssessions/session-1",
    search: "",
    untrustedHeaders: new Headers({ "content-type": "application/json" }),
    body: new TextEncoder().encode(text),
    requestId: "request-1",
    clientIp: "192.0.2.7",
    forwardedProto: "https",
    forwardedHost: "patchbay.example",
    authorization: "Bearer agents-own",
    authorizationExpiresAtMs: null,
    signal: new AbortController().signal,
    ...changes,
  };
}
