import { Buffer } from "node:buffer";
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import type { JWK } from "jose";

/** Signs whatever text it is given as header and claims, unlike an honest library. */
export interface RawSigner {
  readonly publicJwk: JWK;
  /** A token of these very texts, or bytes. */
  sign(header: string, claims: string | Uint8Array): string;
}

/** An Ed25519 key whose name is `kid`. */
export function createRawSigner(kid: string): RawSigner {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  return {
    publicJwk: {
      kty: "OKP",
      crv: "Ed25519",
      x: String(publicKey.export({ format: "jwk" }).x),
      kid,
    },
    sign(header, claims) {
      const unsigned = `${base64url(header)}.${base64url(claims)}`;
      return `${unsigned}.${base64url(sign(null, Buffer.from(unsigned), privateKey))}`;
    },
  };
}

/** A token signed by a shared secret: the confusion of RFC 8725 §2.1 where that is the text of a public key. */
export function signWithSecret(
  algorithm: "HS256" | "HS384" | "HS512",
  secret: string,
  { header = {}, claims }: {
    readonly header?: Readonly<Record<string, unknown>>;
    readonly claims: Readonly<Record<string, unknown>>;
  },
): string {
  const fullHeader = JSON.stringify({ alg: algorithm, ...header });
  const unsigned = `${base64url(fullHeader)}.${base64url(JSON.stringify(claims))}`;
  const hash = algorithm.replace("HS", "sha");
  return `${unsigned}.${createHmac(hash, secret).update(unsigned).digest("base64url")}`;
}

/** The base64url of a text or of bytes. */
export function base64url(content: string | Uint8Array): string {
  return Buffer.from(content).toString("base64url");
}
