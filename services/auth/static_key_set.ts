import {
  createLocalJWKSet,
  exportJWK,
  importJWK,
  importSPKI,
  importX509,
  type JSONWebKeySet,
  type JWK,
} from "jose";
import { isKeySet, type KeySet } from "./key_set.ts";

const EXPECTED =
  "expected a PEM public key or certificate, a public JWK, or a JWKS, for one of JWT_ALGORITHMS";

/**
 * The key set that a configured text holds: a PEM SPKI public key or X.509 certificate, a JWK, or a JWKS. In a PEM text
 * `\n` may stand for the line breaks that an environment variable cannot hold. A key that stands alone and has no `kid`
 * of its own serves tokens with any `kid`.
 *
 * @throws TypeError when the text holds no key that one of `algorithms` can verify with, or holds a secret one
 */
export async function createStaticKeySet(
  untrustedText: string,
  algorithms: readonly string[],
): Promise<KeySet> {
  const text = untrustedText.trim();
  const set = text.startsWith("-----BEGIN ")
    ? { keys: [await keyFromPem(text.replaceAll("\\n", "\n"), algorithms)] }
    : keySetFromJson(text);
  if (set.keys.some(isSecret)) {
    throw new TypeError("Cannot use JWT_PUBLIC_KEY: it holds a secret key, expected public ones");
  }
  if (!await holdsUsableKey(set, algorithms)) throw unusable();

  const local = createLocalJWKSet(set);
  const isNameless = set.keys.length === 1 && set.keys[0]?.kid === undefined;
  return {
    keyFor: ({ kid, ...header }, token) =>
      local(isNameless || kid === undefined ? header : { ...header, kid }, token),
    warm: () => Promise.resolve(),
    state: () => ({ loaded: true, ageMs: 0 }),
  };
}

/** A PEM key as JWK. PEM does not say which algorithm the key is for, so the first that can use it tells. */
async function keyFromPem(pem: string, algorithms: readonly string[]): Promise<JWK> {
  if (pem.includes("PRIVATE KEY-----")) {
    throw new TypeError("Cannot use JWT_PUBLIC_KEY: it holds a secret key, expected public ones");
  }
  const importPem = pem.startsWith("-----BEGIN CERTIFICATE-----") ? importX509 : importSPKI;
  for (const algorithm of algorithms) {
    const key = await importPem(pem, algorithm, { extractable: true }).catch(() => null);
    if (key !== null) return await exportJWK(key);
  }
  throw unusable();
}

function keySetFromJson(text: string): JSONWebKeySet {
  let untrusted: unknown;
  try {
    untrusted = JSON.parse(text);
  } catch {
    throw unusable(); // Without the cause, whose message quotes the text.
  }
  const set = typeof untrusted === "object" && untrusted !== null && "kty" in untrusted
    ? { keys: [untrusted] }
    : untrusted;
  if (!isKeySet(set)) throw unusable();
  return set;
}

/** RFC 7518 §6.2.2, §6.3.2, §6.4 and RFC 8037 §2: `d` is the private part, `k` the symmetric key. */
function isSecret(key: JWK): boolean {
  return key.d !== undefined || key.k !== undefined;
}

async function holdsUsableKey(
  { keys }: JSONWebKeySet,
  algorithms: readonly string[],
): Promise<boolean> {
  for (const key of keys) {
    for (const algorithm of algorithms) {
      if (key.alg !== undefined && key.alg !== algorithm) continue;
      const imported = await importJWK(key, algorithm).catch(() => null);
      if (imported !== null) return true;
    }
  }
  return false;
}

function unusable(): TypeError {
  return new TypeError(`Cannot use JWT_PUBLIC_KEY: ${EXPECTED}`);
}
