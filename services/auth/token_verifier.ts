import { createHash } from "node:crypto";
import { errors, type JWTPayload, jwtVerify, type JWTVerifyResult } from "jose";
import type { Clock } from "../support/clock.ts";
import type { Config } from "../config/config.ts";
import type { KeySet } from "./key_set.ts";
import { isAgentId } from "./agent_id.ts";
import { createLruMap } from "../support/lru_map.ts";

/** Who is calling, as a verified token says. */
export interface Agent {
  /** The value of the agent claim: one that `isAgentId` took. */
  readonly id: string;
  readonly scopes: ReadonlySet<string>;
  /** When the agent's token expires, in Unix milliseconds. */
  readonly tokenExpiresAtMs: number;
}

/** Why a token does not prove who is calling. */
export type TokenFault =
  | "too-long"
  | "malformed"
  | "algorithm-not-allowed"
  | "wrong-type"
  | "unknown-key"
  | "bad-signature"
  | "wrong-issuer"
  | "wrong-audience"
  | "expired"
  | "not-yet-valid"
  | "bad-claims"
  | "no-agent";

export type Verification =
  | { readonly ok: true; readonly agent: Agent }
  | { readonly ok: false; readonly reason: TokenFault };

export interface TokenVerifier {
  /** @throws KeysUnavailable when no key set can be had to verify with */
  verify(untrustedToken: string): Promise<Verification>;
}

/** What the configuration says of tokens. */
export type TokenPolicy = Pick<
  Config["jwt"],
  "issuer" | "audiences" | "algorithms" | "clockToleranceS" | "agentClaim" | "scopeClaim"
>;

export interface TokenVerifierOptions {
  readonly keySet: Pick<KeySet, "keyFor">;
  readonly policy: TokenPolicy;
  readonly clock: Clock;
  /** How many verified tokens are remembered. */
  readonly maxCachedTokens?: number;
  /** How long one is remembered at most. */
  readonly maxCachedMs?: number;
}

/** In characters. Servers commonly take 8 KiB per header line; a longer token is not worth hashing. */
const MAX_TOKEN_LENGTH = 8 * 1024;

/** How many keys are tried when the token names none and the set has several that fit. */
const MAX_CANDIDATE_KEYS = 8;

/** RFC 7519 §5.1 and RFC 9068 §4, which spells the second one in both ways; compared without case. */
const ACCEPTED_TYPES: ReadonlySet<string> = new Set(["jwt", "at+jwt", "application/at+jwt"]);

/**
 * Verifies the tokens of agents: signature by an allowed algorithm, exact issuer, any of the audiences, `exp` (required)
 * and `nbf` with tolerance, `typ`, and an agent claim.
 *
 * Verified tokens are remembered for a minute at most and never past their `exp`, because a signature check costs up to
 * a millisecond. A key that the issuer withdraws may therefore serve known tokens for that long.
 *
 * @throws TypeError when the policy allows a symmetric algorithm or none, or is empty where it must not be
 */
export function createTokenVerifier({
  keySet,
  policy,
  clock,
  maxCachedTokens = 10_000,
  maxCachedMs = 60_000,
}: TokenVerifierOptions): TokenVerifier {
  assertSafe(policy);
  const verified = createLruMap<string, { readonly agent: Agent; readonly untilMs: number }>(
    maxCachedTokens,
  );

  return {
    async verify(untrustedToken) {
      if (untrustedToken.length > MAX_TOKEN_LENGTH) return { ok: false, reason: "too-long" };

      // The hash stands for the token, so that a memory dump holds nothing that could be sent again.
      const cacheKey = createHash("sha256").update(untrustedToken).digest("base64");
      const known = verified.get(cacheKey);
      if (known !== undefined) {
        if (clock.now() < known.untilMs) return { ok: true, agent: known.agent };
        verified.delete(cacheKey);
      }

      const checked = await checkToken(untrustedToken, { keySet, policy, clock });
      if (!checked.ok) return checked;
      const agent = agentOf(checked, policy);
      if (agent === null) return { ok: false, reason: "no-agent" };

      // The tolerance lets a token past its `exp` through, as clocks differ, but such a token is not remembered.
      const untilMs = Math.min(clock.now() + maxCachedMs, checked.expiresAtMs);
      if (clock.now() < untilMs) verified.set(cacheKey, { agent, untilMs });
      return { ok: true, agent };
    },
  };
}

type Checked =
  | { readonly ok: true; readonly claims: JWTPayload; readonly expiresAtMs: number }
  | { readonly ok: false; readonly reason: TokenFault };

async function checkToken(
  untrustedToken: string,
  options: Pick<TokenVerifierOptions, "keySet" | "policy" | "clock">,
): Promise<Checked> {
  try {
    const { payload, protectedHeader: { typ } } = await verifyWithSomeKey(untrustedToken, options);
    // jose's own `typ` option takes one value and makes it required.
    const untrustedType: unknown = typ;
    if (untrustedType !== undefined && !isAcceptedType(untrustedType)) {
      return { ok: false, reason: "wrong-type" };
    }
    // `requiredClaims` has made sure that `exp` is there; the type does not know.
    return { ok: true, claims: payload, expiresAtMs: (payload.exp ?? 0) * 1000 };
  } catch (error) {
    const reason = faultOf(error);
    if (reason === null) throw error;
    return { ok: false, reason };
  }
}

async function verifyWithSomeKey(
  untrustedToken: string,
  { keySet, policy, clock }: Pick<TokenVerifierOptions, "keySet" | "policy" | "clock">,
): Promise<JWTVerifyResult> {
  const options = {
    algorithms: [...policy.algorithms],
    issuer: policy.issuer,
    audience: [...policy.audiences],
    requiredClaims: ["exp"],
    clockTolerance: policy.clockToleranceS,
    currentDate: new Date(clock.now()),
  };
  try {
    return await jwtVerify(untrustedToken, keySet.keyFor, options);
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    let tried = 0;
    for await (const key of error) {
      if (++tried > MAX_CANDIDATE_KEYS) break;
      try {
        return await jwtVerify(untrustedToken, key, options);
      } catch (attemptError) {
        if (!(attemptError instanceof errors.JWSSignatureVerificationFailed)) throw attemptError;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

function isAcceptedType(untrustedType: unknown): boolean {
  return typeof untrustedType === "string" && ACCEPTED_TYPES.has(untrustedType.toLowerCase());
}

/** What an error of jose says of the token; null when it says nothing of the token. */
function faultOf(error: unknown): TokenFault | null {
  if (error instanceof errors.JWTExpired) return "expired";
  if (error instanceof errors.JWTClaimValidationFailed) return claimFaultOf(error);
  if (error instanceof errors.JWSSignatureVerificationFailed) return "bad-signature";
  if (error instanceof errors.JWKSNoMatchingKey) return "unknown-key";
  if (error instanceof errors.JOSEAlgNotAllowed) return "algorithm-not-allowed";
  const isMalformed = error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid ||
    // A `crit` header with an extension that nobody here knows (RFC 7515 §4.1.11).
    error instanceof errors.JOSENotSupported;
  return isMalformed ? "malformed" : null;
}

function claimFaultOf({ claim, reason }: errors.JWTClaimValidationFailed): TokenFault {
  if (claim === "iss") return "wrong-issuer";
  if (claim === "aud") return "wrong-audience";
  if (claim === "nbf" && reason === "check_failed") return "not-yet-valid";
  return "bad-claims";
}

function agentOf(
  { claims, expiresAtMs }: Extract<Checked, { ok: true }>,
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

function assertSafe({ issuer, audiences, algorithms }: TokenPolicy): void {
  if (issuer === "") throw new TypeError("Cannot verify tokens of no issuer: expected an issuer");
  if (audiences.length === 0) {
    throw new TypeError("Cannot verify tokens for no audience: expected one or more");
  }
  // RFC 8725 §3.1 and §2.1: anyone could sign HS* with the public key as the secret, and anyone can sign `none`.
  const unsafe = algorithms.find((name) => name === "none" || name.startsWith("HS"));
  if (unsafe !== undefined || algorithms.length === 0) {
    throw new TypeError(
      `Cannot verify tokens by ${unsafe ?? "no algorithm"}: expected asymmetric algorithms`,
    );
  }
}
