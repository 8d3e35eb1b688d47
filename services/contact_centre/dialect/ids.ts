/** The longest session id that is taken; upstream's own have 16 characters. */
export const SESSION_ID_MAX_LENGTH = 128;

const HEARD_SESSION_ID = new RegExp(`^[^\\s\\p{Cc}/]{1,${SESSION_ID_MAX_LENGTH}}$`, "u");

// The vendor's ids are alphanumeric; the rest are RFC 3986 §2.3 unreserved, less the dot that could climb a path.
const SESSION_ID_IN_PATH = new RegExp(`^[A-Za-z0-9_~-]{1,${SESSION_ID_MAX_LENGTH}}$`);

// The issuer chooses an agent's id, and it is an e-mail address as often as not.
const AGENT_ID_IN_PATH = /^(?!\.{1,2}$)[A-Za-z0-9._~@-]{1,128}$/;

/** A session's id as upstream tells it, without the blanks around it; null for what cannot be one. */
export function heardSessionId(untrustedId: unknown): string | null {
  if (typeof untrustedId !== "string") return null;
  const id = untrustedId.trim();
  return HEARD_SESSION_ID.test(id) ? id : null;
}

/** Whether a client may name a session so in a path. It is narrower than what upstream may tell: it goes back there. */
export function isSessionIdInPath(untrustedId: string): boolean {
  return SESSION_ID_IN_PATH.test(untrustedId);
}

/** Whether a client may name an agent so in a path that goes upstream. */
export function isAgentIdInPath(untrustedId: string): boolean {
  return AGENT_ID_IN_PATH.test(untrustedId);
}
