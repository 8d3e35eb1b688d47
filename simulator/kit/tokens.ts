/** Keys and signed tokens of a pretended issuer, for agents whom no real issuer knows. */
import {
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type JSONWebKeySet,
  type JWK,
  type JWTPayload,
  SignJWT,
} from "jose";

/** What tokens of {@link TestKey.sign} say unless told otherwise. */
export const TEST_ISSUER = "https://issuer.test/";
export const TEST_AUDIENCE = "patchbay";
export const TEST_AGENT = "agent-1";

export type TestAlgorithm = "EdDSA" | "ES256" | "RS256";

export interface SignOverrides {
  /** Members of the protected header to add or replace; `undefined` leaves one out. */
  readonly header?: Readonly<Record<string, unknown>>;
  /** Unix milliseconds at which the token is issued; it lives for `lifetimeS` from then. Default: now. */
  readonly nowMs?: number;
  /** Default: 300. */
  readonly lifetimeS?: number;
}

/** One key pair of a pretended issuer. */
export interface TestKey {
  readonly kid: string;
  readonly algorithm: TestAlgorithm;
  /** The public key with `kid`, `alg` and `use`, as an issuer publishes it. */
  readonly publicJwk: JWK;
  /** The public key as PEM SPKI. */
  readonly publicPem: string;
  /** A key set of this key alone. */
  readonly jwks: JSONWebKeySet;
  /**
   * A signed token: issuer, audience, agent `agent-1`, no scope, times from `overrides.nowMs`.
   * `claims` adds or replaces; `undefined` leaves a claim out.
   */
  sign(claims?: Readonly<Record<string, unknown>>, overrides?: SignOverrides): Promise<string>;
}

/** Makes a key pair; keys of one name differ from call to call. */
export async function createTestKey(
  algorithm: TestAlgorithm = "EdDSA",
  kid: string = `${algorithm}-1`,
): Promise<TestKey> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const publicJwk: JWK = { ...await exportJWK(publicKey), kid, alg: algorithm, use: "sig" };

  return {
    kid,
    algorithm,
    publicJwk,
    publicPem: await exportSPKI(publicKey),
    jwks: { keys: [publicJwk] },
    sign(claims = {}, { header = {}, nowMs = Date.now(), lifetimeS = 300 } = {}) {
      const issuedAtS = Math.floor(nowMs / 1000);
      const payload: JWTPayload = withoutUndefined({
        iss: TEST_ISSUER,
        aud: TEST_AUDIENCE,
        sub: TEST_AGENT,
        iat: issuedAtS,
        exp: issuedAtS + lifetimeS,
        ...claims,
      });
      return new SignJWT(payload)
        .setProtectedHeader({
          alg: algorithm,
          ...withoutUndefined({ kid, typ: "JWT", ...header }),
        })
        .sign(privateKey);
    },
  };
}

/** The key set that publishes all of `keys`. */
export function jwksOf(...keys: readonly TestKey[]): JSONWebKeySet {
  return { keys: keys.map(({ publicJwk }) => publicJwk) };
}

/** A token put together by hand, for what no honest library signs (`alg: none`). */
export function craftToken(
  header: Readonly<Record<string, unknown>>,
  claims: Readonly<Record<string, unknown>>,
  signature: string = "",
): string {
  const part = (value: unknown) =>
    new TextEncoder().encode(JSON.stringify(value)).toBase64({
      alphabet: "base64url",
      omitPadding: true,
    });
  return `${part(header)}.${part(claims)}.${signature}`;
}

function withoutUndefined(members: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
