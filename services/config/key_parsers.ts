import { parseEncryptionKey } from "../sealing/encryption_key.ts";
import { commaList, oneOf, type Parser } from "./parsers.ts";

/**
 * Signature algorithms that `jose` verifies with a public key (RFC 7518 §3.1, RFC 8037, RFC 9864). `none` and the
 * symmetric ones are left out: with them, whoever may verify may also sign (RFC 8725 §3.1, §3.2).
 */
const SIGNATURE_ALGORITHMS = [
  "EdDSA",
  "Ed25519",
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
] as const;

/** The signature algorithms that a token may have. */
export const signatureAlgorithms: Parser<readonly string[]> = commaList(
  oneOf(SIGNATURE_ALGORITHMS).parse,
  {
    expected: `some of ${SIGNATURE_ALGORITHMS.join(", ")}, separated by commas`,
    max: SIGNATURE_ALGORITHMS.length,
  },
);

/** What a single key of `ENCRYPTION_KEY` looks like; ends the sentence "expected …". */
export const ENCRYPTION_KEY_FORM = "32 bytes in base64, as `openssl rand -base64 32` prints them";

/** The keys that seal secrets at rest: the first one seals, the others open what earlier deployments sealed. */
export const encryptionKeys: Parser<readonly Uint8Array[]> = commaList(
  (text) => parseEncryptionKey(text) ?? undefined,
  {
    expected: `${ENCRYPTION_KEY_FORM}; a new key, then older ones, separated by commas`,
    max: 16,
  },
);

/** Verification keys as text. A PEM may have its line breaks written `\n`, as one-line env files need it. */
export const publicKeyText: Parser<string> = {
  expected: "a public key: PEM (PUBLIC KEY or CERTIFICATE), JWK or JWKS text",
  parse(text) {
    const trimmed = text.trim();
    if (/^-----BEGIN (PUBLIC KEY|CERTIFICATE)-----/.test(trimmed) && !/PRIVATE KEY/.test(trimmed)) {
      return trimmed.replaceAll("\\n", "\n");
    }
    return isPublicJwkText(trimmed) ? trimmed : undefined;
  },
};

function isPublicJwkText(untrustedText: string): boolean {
  let parsed: unknown;
  try {
    parsed = JSON.parse(untrustedText);
  } catch {
    return false;
  }
  const keys = isObject(parsed) && Array.isArray(parsed.keys) ? parsed.keys : [parsed];
  return keys.length > 0 && keys.every(isPublicJwk);
}

// RFC 7518 §6.2.2, §6.3.2, §6.4: a member `d` makes a key private, `oct` is a shared secret.
function isPublicJwk(key: unknown): boolean {
  return isObject(key) && typeof key.kty === "string" && key.kty !== "oct" && !("d" in key);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
