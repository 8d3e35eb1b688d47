import {
  errors,
  type JWTPayload,
  jwtVerify,
  type JWTVerifyOptions,
  type JWTVerifyResult,
} from "jose";
import type { Clock } from "../support/clock.ts";
import type { JsonObject } from "../support/json_object.ts";
import type { KeySet } from "./key_set.ts";
import { readToken } from "./token_text.ts";

/**
 * Why a token does not prove who is calling. The words are stable: the log and the metrics go by them; the caller is told
 * no more than RFC 6750 allows.
 */
export type TokenFault =
  | "too-long"
  | "malformed"
  | "algorithm-not-allowed"
  | "wrong-type"
  | "no-key"
  | "bad-signature"
  | "wrong-issuer"
  | "wrong-audience"
  | "expired"
  | "not-yet-valid"
  | "bad-claims"
  | "no-agent"
  | "revoked";

/** What the configuration says of tokens. */
export interface TokenPolicy {
  readonly audiences: readonly string[];
  readonly algorithms: readonly string[];
  readonly clockToleranceS: number;
  readonly agentClaim: string;
  readonly scopeClaim: string;
}

/** What a token's signature is held against. */
export type Keys = Pick<KeySet, "keyFor" | "renew">;

export interface TokenCheckOptions {
  /** The keys of each issuer, by its exact `iss`. A token is held against those of the issuer that it names. */
  readonly keySets: ReadonlyMap<string, Keys>;
  readonly policy: TokenPolicy;
  readonly clock: Clock;
}

export type CheckedToken =
  | { readonly ok: true; readonly claims: JWTPayload; readonly expiresAtMs: number }
  | { readonly ok: false; readonly reason: TokenFault };

/** The last second of the year 9999, the last that RFC 3339 can write. A token that lives longer than that is refused. */
export const LATEST_EXP_S = 253_402_300_799;

/** How many keys are tried when the token names none and the set has several that fit. */
const MAX_CANDIDATE_KEYS = 8;

/** RFC 7519 §5.1 and RFC 9068 §4, which spells the second one in both ways; compared without case. */
const ACCEPTED_TYPES: ReadonlySet<string> = new Set(["jwt", "at+jwt", "application/at+jwt"]);

/**
 * Checks a token by itself: how it is written, its signature by an allowed algorithm and a key of the issuer that it names,
 * any of the audiences, `exp` (required) and `nbf` with tolerance, and `typ`. What costs nothing comes first.
 *
 * @throws KeysUnavailable when no key set can be had to verify with
 */
export async function checkToken(
  untrustedToken: string,
  options: TokenCheckOptions,
): Promise<CheckedToken> {
  const untrusted = readToken(untrustedToken);
  if (untrusted === null) return { ok: false, reason: "malformed" };
  const { header: { typ }, claims: { iss } } = untrusted;
  // jose's own `typ` option takes one value and makes it required.
  if (typ !== undefined && !isAcceptedType(typ)) return { ok: false, reason: "wrong-type" };
  const keySet = typeof iss === "string" ? options.keySets.get(iss) : undefined;
  if (typeof iss !== "string" || keySet === undefined) return { ok: false, reason: "wrong-issuer" };
  if (!areClaimsPossible(untrusted.claims)) return { ok: false, reason: "bad-claims" };
  try {
    const { payload } = await verifyBy(keySet, untrustedToken, verifyOptions(iss, options));
    return { ok: true, claims: payload, expiresAtMs: Math.floor(Number(payload.exp) * 1000) };
  } catch (error) {
    const reason = faultOf(error);
    if (reason === null) throw error;
    return { ok: false, reason };
  }
}

/** RFC 7519 §2 and §4.1: dates are numbers, and JSON can spell some that are none (`1e999`); a `jti` is a text. */
function areClaimsPossible({ exp, nbf, iat, jti }: JsonObject): boolean {
  const areDates = [exp, nbf, iat].every((date) =>
    date === undefined || (typeof date === "number" && Math.abs(date) <= LATEST_EXP_S)
  );
  return areDates && exp !== undefined && (jti === undefined || typeof jti === "string");
}

function verifyOptions(issuer: string, { policy, clock }: TokenCheckOptions): JWTVerifyOptions {
  return {
    algorithms: [...policy.algorithms],
    issuer,
    audience: [...policy.audiences],
    requiredClaims: ["exp"],
    clockTolerance: policy.clockToleranceS,
    currentDate: new Date(clock.now()),
  };
}

async function verifyBy(
  keySet: Keys,
  untrustedToken: string,
  options: JWTVerifyOptions,
): Promise<JWTVerifyResult> {
  try {
    return await verifyWithSomeKey(keySet, untrustedToken, options);
  } catch (error) {
    const isUnknownSignature = error instanceof errors.JWSSignatureVerificationFailed;
    if (!isUnknownSignature || !await keySet.renew()) throw error;
    return await verifyWithSomeKey(keySet, untrustedToken, options);
  }
}

async function verifyWithSomeKey(
  { keyFor }: Keys,
  untrustedToken: string,
  options: JWTVerifyOptions,
): Promise<JWTVerifyResult> {
  try {
    return await jwtVerify(untrustedToken, keyFor, options);
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
  if (error instanceof errors.JWKSNoMatchingKey) return "no-key";
  if (error instanceof errors.JOSEAlgNotAllowed) return "algorithm-not-allowed";
  return error instanceof errors.JWSInvalid ? "malformed" : null;
}

function claimFaultOf({ claim, reason }: errors.JWTClaimValidationFailed): TokenFault {
  if (claim === "iss") return "wrong-issuer";
  if (claim === "aud") return "wrong-audience";
  if (claim === "nbf" && reason === "check_failed") return "not-yet-valid";
  return "bad-claims";
}
