import { createHash } from "node:crypto";
import { createLruMap } from "../support/lru_map.ts";
import { isAgentId } from "./agent_id.ts";
import { type Revocations, tokenIdOf } from "./revocations.ts";
import {
  type CheckedToken,
  checkToken,
  type TokenCheckOptions,
  type TokenFault,
  type TokenPolicy,
} from "./token_check.ts";
import { SIGNATURE_ALGORITHMS } from "./verification_key.ts";

/** Who is calling, as a verified token says. */
export interface Agent {
  /** The value of the agent claim: one that `isAgentId` took. */
  readonly id: string;
  readonly scopes: ReadonlySet<string>;
  /** When the agent's token expires, in Unix milliseconds. */
  readonly tokenExpiresAtMs: number;
}

export type Verification =
  | { readonly ok: true; readonly agent: Agent }
  | { readonly ok: false; readonly reason: TokenFault };

export interface TokenVerifier {
  /**
   * @throws KeysUnavailable when no key set can be had to verify with, StoreUnavailable when it cannot be told whether the
   * token was revoked
   */
  verify(untrustedToken: string): Promise<Verification>;
}

export interface TokenVerifierOptions extends TokenCheckOptions {
  readonly revocations: Pick<Revocations, "isRevoked">;
  /** How many verified tokens are remembered. */
  readonly maxCachedTokens?: number;
  /** How long one is remembered at most. */
  readonly maxCachedMs?: number;
}

/** In characters. Servers commonly take 8 KiB per header line; a longer token is not worth hashing. */
const MAX_TOKEN_LENGTH = 8 * 1024;

/** A token that was verified. */
interface Verified {
  readonly agent: Agent;
  /** Null where it has no `jti`, so that nothing revokes it. */
  readonly tokenId: string | null;
}

/**
 * Verifies the tokens of agents: all that `checkToken` does, an agent claim, and that nobody has revoked it.
 *
 * Verified tokens are remembered for a minute at most and never past their `exp`, because a signature check costs up to
 * a millisecond. A key that the issuer withdraws may therefore serve known tokens for that long; a revoked token is asked
 * for each time.
 *
 * @throws TypeError when the policy allows a symmetric algorithm or none, or is empty where it must not be
 */
export function createTokenVerifier({
  keySets,
  revocations,
  policy,
  clock,
  maxCachedTokens = 10_000,
  maxCachedMs = 60_000,
}: TokenVerifierOptions): TokenVerifier {
  assertSafe(policy, keySets);
  const verified = createLruMap<string, Verified & { readonly untilMs: number }>(maxCachedTokens);

  async function verifyAnew(untrustedToken: string, cacheKey: string): Promise<Verified | Refusal> {
    const checked = await checkToken(untrustedToken, { keySets, policy, clock });
    if (!checked.ok) return checked;
    const agent = agentOf(checked, policy);
    if (agent === null) return { ok: false, reason: "no-agent" };
    const { jti } = checked.claims;
    const found = { agent, tokenId: jti === undefined ? null : tokenIdOf(jti) };

    // The tolerance lets a token past its `exp` through, as clocks differ, but such a token is not remembered.
    const untilMs = Math.min(clock.now() + maxCachedMs, checked.expiresAtMs);
    if (clock.now() < untilMs) verified.set(cacheKey, { ...found, untilMs });
    return found;
  }

  return {
    async verify(untrustedToken) {
      if (untrustedToken.length > MAX_TOKEN_LENGTH) return { ok: false, reason: "too-long" };

      // The hash stands for the token, so that a memory dump holds nothing that could be sent again.
      const cacheKey = createHash("sha256").update(untrustedToken).digest("base64");
      const known = verified.get(cacheKey);
      const isKnown = known !== undefined && clock.now() < known.untilMs;
      const found = isKnown ? known : await verifyAnew(untrustedToken, cacheKey);
      if ("ok" in found) return found;
      const { agent, tokenId } = found;
      return tokenId !== null && await revocations.isRevoked(tokenId)
        ? { ok: false, reason: "revoked" }
        : { ok: true, agent };
    },
  };
}

type Refusal = Extract<Verification, { ok: false }>;

function agentOf(
  { claims, expiresAtMs }: Extract<CheckedToken, { ok: true }>,
  { agentClaim, scopeClaim }: TokenPolicy,
): Agent | null {
  const id = claims[agentClaim];
  if (!isAgentId(id)) return null;
  return { id, scopes: scopesOf(claims[scopeClaim]), tokenExpiresAtMs: expiresAtMs };
}

/** RFC 8693 §4.2 puts scopes into one string, separated by spaces; some issuers send an array. Anything else grants none. */
function scopesOf(claim: unknown): ReadonlySet<string> {
  const scopes: readonly unknown[] = typeof claim === "string"
    ? claim.split(" ")
    : Array.isArray(claim)
    ? claim
    : [];
  return new Set(
    scopes.filter((scope): scope is string => typeof scope === "string" && scope !== ""),
  );
}

function assertSafe(
  { audiences, algorithms }: TokenPolicy,
  keySets: TokenCheckOptions["keySets"],
): void {
  if (keySets.size === 0 || keySets.has("")) {
    throw new TypeError("Cannot verify tokens of no issuer: expected one or more");
  }
  if (audiences.length === 0) {
    throw new TypeError("Cannot verify tokens for no audience: expected one or more");
  }
  // RFC 8725 §3.1 and §2.1: anyone could sign HS* with the public key as the secret, and anyone can sign `none`.
  const unsafe = algorithms.find((name) => !SIGNATURE_ALGORITHMS.includes(name));
  if (unsafe !== undefined || algorithms.length === 0) {
    throw new TypeError(
      `Cannot verify tokens by ${unsafe ?? "no algorithm"}: expected asymmetric algorithms`,
    );
  }
}
