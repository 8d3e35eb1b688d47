import { type Logger, shownId } from "../support/log.ts";
import { type Revocations, tokenIdOf } from "./revocations.ts";
import { LATEST_EXP_S } from "./token_check.ts";

/** How long past its `exp` a token may still be taken somewhere: the most tolerance there is, and clocks that differ. */
const PAST_EXP_MS = 10 * 60_000;

/** Somebody's word that a token is good no more. */
export interface TokenWord {
  /** The token's `jti`, whoever issued it: RFC 7519 §4.1.7 has issuers keep theirs apart. */
  readonly jti: string;
  /** The token's `exp`; null where it is not known, and the token is then remembered for as long as any may live. */
  readonly expS: number | null;
  readonly reason: string | null;
  /** Who says so. */
  readonly agentId: string;
}

/** Where tokens are revoked. */
export interface TokenDesk {
  /** From now on here, within 2 s everywhere. Again is the same as once. Throws `StoreUnavailable`. */
  revoke(word: TokenWord): Promise<void>;
}

export function createTokenDesk(
  { revocations, log }: {
    readonly revocations: Pick<Revocations, "revoke">;
    readonly log: Pick<Logger, "info">;
  },
): TokenDesk {
  return {
    async revoke({ jti, expS, reason, agentId }) {
      const untilMs = Math.ceil((expS ?? LATEST_EXP_S) * 1000) + PAST_EXP_MS;
      await revocations.revoke(tokenIdOf(jti), untilMs);
      log.info("token.revoked", {
        jti: shownId(jti),
        agentId,
        reason: reason === null ? null : shownId(reason),
        expiresAt: expS === null ? null : new Date(expS * 1000).toISOString(),
      });
    },
  };
}
