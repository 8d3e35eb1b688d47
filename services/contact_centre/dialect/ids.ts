import { isAgentId } from "../../auth/agent_id.ts";

/** The longest session id that is taken; upstream's own have 16 characters. */
export const SESSION_ID_MAX_LENGTH = 128;

/** What a session id is made of, for error messages. */
export const EXPECTED_SESSION_ID =
  `an id of up to ${SESSION_ID_MAX_LENGTH} letters, digits, _, ~ and -`;

// The vendor's ids are alphanumeric; the rest are RFC 3986 §2.3 unreserved, less the dot that could climb a path.
const SESSION_ID = new RegExp(`^[A-Za-z0-9_~-]{1,${SESSION_ID_MAX_LENGTH}}$`);

// Upstream's users have ids of this kind, an e-mail address as often as not. Other characters could lead elsewhere there.
const SAFE_IN_PATH = /^(?!\.{1,2}$)[A-Za-z0-9._~@-]{1,128}$/;

/**
 * Whether this is the id of a session, whoever names it: a client in a path, a query or a body, upstream in a notification
 * or a list. Two rules would make sessions that are told of and that nobody can ask for.
 */
export function isSessionId(untrustedId: unknown): untrustedId is string {
  return typeof untrustedId === "string" && SESSION_ID.test(untrustedId);
}

/** A session's id as upstream tells it, without the blanks around it; null for what cannot be one. */
export function heardSessionId(untrustedId: unknown): string | null {
  const id = typeof untrustedId === "string" ? untrustedId.trim() : null;
  return isSessionId(id) ? id : null;
}

/** Whether a client may name an agent so in a path that goes upstream: some agent ids would lead elsewhere there. */
export function isAgentIdInPath(untrustedId: string): boolean {
  return isAgentId(untrustedId) && SAFE_IN_PATH.test(untrustedId);
}
