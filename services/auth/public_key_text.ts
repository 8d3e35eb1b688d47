import { createPublicKey } from "node:crypto";
import { isJsonObject } from "../support/json_object.ts";
import { type JudgedKeys, judgeKeys, type KeyFault } from "./verification_key.ts";

/** What a text of keys is to be; ends the sentence "expected …". */
export const EXPECTED_PUBLIC_KEY =
  "a public key for one of JWT_ALGORITHMS (one PEM of type PUBLIC KEY or CERTIFICATE, a JWK or a JWKS)";

/** What a text holds; `reason` is one line that quotes nothing of it. */
export type PublicKeysReading =
  | { readonly ok: true; readonly keys: JudgedKeys }
  | { readonly ok: false; readonly reason: string };

/**
 * The keys in a text that an operator has set: a PEM public key (SPKI) or X.509 certificate, a JWK, or a JWKS. In a PEM
 * `\n` may stand for the line breaks that an environment variable cannot hold. Keys of a JWKS that verify no token are
 * skipped as long as there are others; a private key or a shared secret is refused even so, because it is out already.
 */
export function readPublicKeys(
  untrustedText: string,
  algorithms: readonly string[],
): PublicKeysReading {
  const text = untrustedText.trim();
  if (/PRIVATE KEY-----/.test(text)) return refusal(FAULTS.secret);
  const untrustedKeys = text.startsWith("-----BEGIN ") ? keysInPem(text) : keysInJson(text);
  if (untrustedKeys === null) return refusal("it cannot be read as one");
  const keys = judgeKeys(untrustedKeys, algorithms);
  const faults = keys.skipped.map(({ fault }) => fault);
  const secret = faults.find((fault) => fault === "secret" || fault === "symmetric");
  const fault = secret ?? (keys.usable.length === 0 ? faults[0] ?? "none" : null);
  return fault === null ? { ok: true, keys } : refusal(FAULTS[fault]);
}

const FAULTS: Readonly<Record<KeyFault | "none", string>> = {
  "malformed": "it is malformed",
  "secret": "it is a private key",
  "symmetric": "it is a shared secret",
  "unknown-type": "it is of a type that signs no tokens",
  "unknown-curve": "it is on a curve that signs no tokens",
  "other-use": "it is not for signatures",
  "algorithm-not-allowed": "it fits none of JWT_ALGORITHMS",
  "weak": "it is too weak (an RSA key needs 2048 bits)",
  "too-large": "it is an RSA key of more than 4096 bits",
  "too-many": "it is one of too many",
  "none": "it holds no key",
};

function refusal(what: string): PublicKeysReading {
  return { ok: false, reason: `expected ${EXPECTED_PUBLIC_KEY}, but ${what}` };
}

/** One block and nothing around it: a certificate's chain would let its authority's key sign tokens. */
const PEM = /^-----BEGIN (PUBLIC KEY|CERTIFICATE)-----[^-]+-----END \1-----$/;

function keysInPem(text: string): readonly unknown[] | null {
  const pem = text.replaceAll("\\n", "\n").trim();
  if (!PEM.test(pem)) return null;
  try {
    return [createPublicKey(pem).export({ format: "jwk" })];
  } catch {
    return null;
  }
}

function keysInJson(text: string): readonly unknown[] | null {
  let untrusted: unknown;
  try {
    untrusted = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isJsonObject(untrusted)) return null;
  const { keys } = untrusted;
  if (Array.isArray(keys)) return keys;
  return "kty" in untrusted ? [untrusted] : null;
}
