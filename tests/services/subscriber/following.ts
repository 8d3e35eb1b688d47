import type { Following } from "../../../services/subscriber/subscriber.ts";

/** An agent to follow, without a token. */
export function following(
  agentId: string,
  { because = "login", authorization = null, expiresAtMs = null }: {
    readonly because?: "login" | "accept";
    readonly authorization?: string | null;
    readonly expiresAtMs?: number | null;
  } = {},
): Following {
  return { agentId, because, authorization, authorizationExpiresAtMs: expiresAtMs };
}
