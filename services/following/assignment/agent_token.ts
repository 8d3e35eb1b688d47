import type { Clock, Timer } from "../../support/clock.ts";

/** The `authorization` header that an agent's client sent, by which the agent is followed in mode `forward`. */
export interface AgentToken {
  readonly authorization: string;
  /** Unix milliseconds; null: not known. */
  readonly expiresAtMs: number | null;
  /** Ends the following with the token; null where no end is known. */
  readonly expiry: Timer | null;
}

/** Where a user's token is kept. */
export interface TokenHolder {
  token: AgentToken | null;
}

/**
 * Keeps a token, unless the one that is kept lives longer. True: another token than before is kept now. `onExpired` is
 * called when the kept token ends; the user has none by then.
 */
export function keepToken(
  user: TokenHolder,
  { authorization, expiresAtMs }: Omit<AgentToken, "expiry">,
  { clock, onExpired }: { readonly clock: Clock; readonly onExpired: () => void },
): boolean {
  const kept = user.token;
  // Requests may overtake each other: a token that ends sooner is the older one.
  if (kept !== null && (expiresAtMs ?? Infinity) < (kept.expiresAtMs ?? Infinity)) return false;
  kept?.expiry?.cancel();
  const expiry = expiresAtMs === null ? null : clock.after(expiresAtMs - clock.now(), () => {
    if (user.token !== token) return;
    user.token = null;
    onExpired();
  });
  const token: AgentToken = { authorization, expiresAtMs, expiry };
  user.token = token;
  return authorization !== kept?.authorization;
}

/** Leaves no timer behind. */
export function disposeToken({ token }: TokenHolder): void {
  token?.expiry?.cancel();
}
