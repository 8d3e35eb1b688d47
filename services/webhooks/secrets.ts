/**
 * The secrets of Standard Webhooks 1.0.0:
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 *
 * `v1` is HMAC-SHA256 under a shared secret (`whsec_`). `v1a` is Ed25519 under a key pair (`whsk_`, `whpk_`).
 */

/** A secret taken apart. */
export type SigningSecret =
  | { readonly scheme: "v1"; readonly key: Uint8Array<ArrayBuffer> }
  | { readonly scheme: "v1a"; readonly seed: Uint8Array<ArrayBuffer> };

/** Gives that many unpredictable bytes. */
export type RandomBytes = (length: number) => Uint8Array<ArrayBuffer>;

const SYMMETRIC_PREFIX = "whsec_";
const PRIVATE_PREFIX = "whsk_";
const PUBLIC_PREFIX = "whpk_";
const ED25519_KEY_BYTES = 32;
// The specification asks for 24 to 64 bytes of a symmetric secret.
const SYMMETRIC_SECRET_BYTES = 32;
// RFC 8410 §7: everything of an Ed25519 PKCS#8 structure that comes before the 32 bytes of the seed.
const ED25519_PKCS8_HEAD = Uint8Array.fromHex("302e020100300506032b657004220420");

/** A new secret for `v1`: `whsec_` and the padded standard base64 of 32 bytes. */
export function generateSecret(randomBytes: RandomBytes): string {
  return SYMMETRIC_PREFIX + randomBytes(SYMMETRIC_SECRET_BYTES).toBase64();
}

/**
 * A new key pair for `v1a`. The secret is `whsk_` and the base64 of seed and public key together, the layout of the
 * only implementation that is widely used (Svix); the public key is `whpk_` and the base64 of its 32 bytes.
 */
export async function generateKeyPair(
  randomBytes: RandomBytes,
): Promise<{ secret: string; publicKey: string }> {
  const seed = randomBytes(ED25519_KEY_BYTES);
  const publicKey = await publicKeyOf(seed);
  const secret = new Uint8Array(2 * ED25519_KEY_BYTES);
  secret.set(seed);
  secret.set(publicKey, ED25519_KEY_BYTES);
  return {
    secret: PRIVATE_PREFIX + secret.toBase64(),
    publicKey: PUBLIC_PREFIX + publicKey.toBase64(),
  };
}

/**
 * Takes a secret apart. A text without a known prefix is read as a symmetric one, and missing padding is forgiven, as
 * the reference libraries do both.
 *
 * @throws {TypeError} if it is empty, no base64, or for `v1a` neither 32 nor 64 bytes. The message does not show it.
 */
export function parseSecret(text: string): SigningSecret {
  if (text.startsWith(PUBLIC_PREFIX)) {
    throw new TypeError("Cannot sign with a whpk_ key: expected a whsec_ or whsk_ secret");
  }
  if (!text.startsWith(PRIVATE_PREFIX)) {
    return { scheme: "v1", key: decodeKey(text, SYMMETRIC_PREFIX) };
  }
  const bytes = decodeKey(text, PRIVATE_PREFIX);
  if (bytes.length !== ED25519_KEY_BYTES && bytes.length !== 2 * ED25519_KEY_BYTES) {
    throw new TypeError(
      `Cannot read a whsk_ secret of ${bytes.length} bytes: expected 32 (seed) or 64 (seed and public key)`,
    );
  }
  return { scheme: "v1a", seed: bytes.slice(0, ED25519_KEY_BYTES) };
}

/** The private key of a `v1a` secret's seed, for WebCrypto. */
export async function importSeed(
  seed: Uint8Array<ArrayBuffer>,
  { extractable }: { readonly extractable: boolean },
): Promise<CryptoKey> {
  const pkcs8 = new Uint8Array(ED25519_PKCS8_HEAD.length + seed.length);
  pkcs8.set(ED25519_PKCS8_HEAD);
  pkcs8.set(seed, ED25519_PKCS8_HEAD.length);
  return await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", extractable, ["sign"]);
}

async function publicKeyOf(seed: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const { x } = await crypto.subtle.exportKey("jwk", await importSeed(seed, { extractable: true }));
  if (x === undefined) throw new TypeError("Cannot derive the public key: the export lacks it");
  return Uint8Array.fromBase64(x, { alphabet: "base64url" });
}

function decodeKey(text: string, prefix: string): Uint8Array<ArrayBuffer> {
  const encoded = text.startsWith(prefix) ? text.slice(prefix.length) : text;
  const bytes = decodeBase64(encoded.replace(/=+$/, ""), prefix);
  if (bytes.length === 0) throw new TypeError(`Cannot read an empty ${prefix} secret`);
  return bytes;
}

function decodeBase64(encoded: string, prefix: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.fromBase64(encoded);
  } catch {
    // The cause is left out: an engine may quote the text that it could not read.
    throw new TypeError(
      `Cannot read a ${prefix} secret: expected standard base64 after the prefix`,
    );
  }
}
