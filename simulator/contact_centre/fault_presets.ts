import type { Fault } from "../kit/faults.ts";
import type { RecordedRequest } from "../kit/request_log.ts";
import { believedAgent } from "./auth.ts";

/** Tells whether a fault is for a request. */
export type Matching = (request: RecordedRequest) => boolean;

/** Requests that name this operation, or any; of this session, or any. */
export function toOperate(operationName?: string, sessionId?: string): Matching {
  return ({ method, path, body }) =>
    method === "POST" && /\/smss?essions\/[^/]+$/.test(path) &&
    (sessionId === undefined || path.endsWith(`/${sessionId}`)) &&
    (operationName === undefined || memberOf(body, "operationName") === operationName);
}

/** CometD requests whose first message is on this channel, such as `/meta/connect`. */
export function onChannel(channel: string): Matching {
  return ({ method, body }) => method === "POST" && memberOf(body, "channel") === channel;
}

/** Requests whose credentials name this agent; those with a cookie alone are not. */
export function byAgent(agentId: string): Matching {
  return ({ headers }) => believedAgent(headers.get("authorization") ?? "") === agentId;
}

/** What is asked for by all of these. */
export function all(...matchings: readonly Matching[]): Matching {
  return (request) => matchings.every((matching) => matching(request));
}

/** The usual envelope of a failure, with status 500. */
export const INTERNAL_ERROR: Fault = {
  kind: "status",
  status: 500,
  body: { statusCode: 4, statusMessage: "Internal error" },
};

/** Something that calls itself JSON and is none, with status 200. */
export const NOT_JSON: Fault = {
  kind: "status",
  status: 200,
  contentType: "application/json",
  body: '[{"channel":"/meta/con',
};

function memberOf(untrustedText: string, name: string): unknown {
  try {
    const parsed: unknown = JSON.parse(untrustedText);
    const first: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
    return typeof first === "object" && first !== null ? Reflect.get(first, name) : undefined;
  } catch {
    return undefined;
  }
}
