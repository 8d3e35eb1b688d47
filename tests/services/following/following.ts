import type { Following } from "../../../services/following/subscriber.ts";

/** An agent to follow, without a token. */
export function following(
  agentId: string,
  { because = "login", isNews = true, authorization = null, expiresAtMs = null }: {
    readonly because?: "login" | "accept";
    readonly isNews?: boolean;
    readonly authorization?: string | null;
    readonly expiresAtMs?: number | null;
  } = {},
): Following {
  return { agentId, because, isNews, authorization, authorizationExpiresAtMs: expiresAtMs };
}
