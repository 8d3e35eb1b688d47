import { decodeJwt } from "jose";

/** Tells who calls from the `Authorization` header; null: not authenticated. */
export type AgentOf = (authorization: string) => string | null;

/**
 * Believes what it is told: a bearer token's `sub`, its signature unchecked, or the user name of Basic credentials.
 * Verifying is the business of what stands in front.
 */
export function believedAgent(authorization: string): string | null {
  const [scheme = "", credentials = ""] = authorization.trim().split(/\s+/, 2);
  switch (scheme.toLowerCase()) {
    case "bearer":
      return subjectOf(credentials);
    case "basic":
      return userOf(credentials);
    default:
      return null;
  }
}

function subjectOf(token: string): string | null {
  try {
    return decodeJwt(token).sub || null;
  } catch {
    return null;
  }
}

function userOf(credentials: string): string | null {
  try {
    const bytes = Uint8Array.fromBase64(credentials);
    return new TextDecoder().decode(bytes).split(":", 1)[0] || null;
  } catch {
    return null;
  }
}
