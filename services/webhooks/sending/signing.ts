/**
 * Standard Webhooks 1.0.0 signatures: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 *
 * `v1` is HMAC-SHA256 under a shared secret (`whsec_`), `v1a` is Ed25519 under a key pair (`whsk_`, `whpk_`).
 * What is signed: the id, a full stop, the Unix second, a full stop, and the very bytes of the body.
 */

import { createHmac } from "node:crypto";
import { createLruMap } from "../../support/lru_map.ts";

/** A secret taken apart. */
export type SigningSecret =
  | { readonly scheme: "v1"; readonly key: Uint8Array<ArrayBuffer> }
  | { readonly scheme: "v1a"; readonly seed: Uint8Array<ArrayBuffer> };

/** Gives that many unpredictable bytes. */
export type RandomBytes = (length: number) => Uint8Array<ArrayBuffer>;

/** Signs with several secrets at once and keeps what it imported. */
export interface Signer {
  /**
   * The value of `webhook-signature`: one signature per secret, in their order, parted by spaces. A consumer accepts
   * any that fits, which is what lets a rotation overlap.
   */
  signatures(
    secrets: readonly string[],
    id: string,
    timestampS: number,
    body: Uint8Array<ArrayBuffer>,
  ): Promise<string>;
}

type ImportedSecret =
  | Extract<SigningSecret, { scheme: "v1" }>
  | { readonly scheme: "v1a"; readonly key: CryptoKey };

const SYMMETRIC_PREFIX = "whsec_";
const PRIVATE_PREFIX = "whsk_";
const PUBLIC_PREFIX = "whpk_";
const ED25519_KEY_BYTES = 32;
// The specification asks for 24 to 64 bytes of a symmetric secret.
const SYMMETRIC_SECRET_BYTES = 32;
// RFC 8410 §7: everything of an Ed25519 PKCS#8 structure that comes before the 32 bytes of the seed.
const ED25519_PKCS8_HEAD = Uint8Array.fromHex("302e020100300506032b657004220420");
const MAX_CACHED_KEYS = 1_000;

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

/** `v1,` and the HMAC-SHA256 under a `whsec_` secret. */
export async function signV1(
  secret: string,
  id: string,
  timestampS: number,
  body: Uint8Array<ArrayBuffer>,
): Promise<string> {
  return await sign(await importSecret(secret, "v1"), signedContent(id, timestampS, body));
}

/** `v1a,` and the Ed25519 signature under a `whsk_` secret. */
export async function signV1a(
  secret: string,
  id: string,
  timestampS: number,
  body: Uint8Array<ArrayBuffer>,
): Promise<string> {
  return await sign(await importSecret(secret, "v1a"), signedContent(id, timestampS, body));
}

/** A signer that imports each secret once and remembers the `maxKeys` used last. */
export function createSigner({ maxKeys = MAX_CACHED_KEYS }: { maxKeys?: number } = {}): Signer {
  const cached = createLruMap<string, ImportedSecret>(maxKeys);

  async function imported(secret: string): Promise<ImportedSecret> {
    const remembered = cached.get(secret);
    if (remembered !== undefined) return remembered;
    const key = await importSecret(secret);
    cached.set(secret, key);
    return key;
  }

  return {
    async signatures(secrets, id, timestampS, body) {
      const content = signedContent(id, timestampS, body);
      const signed = secrets.map(async (secret) => sign(await imported(secret), content));
      return (await Promise.all(signed)).join(" ");
    },
  };
}

function signedContent(
  id: string,
  timestampS: number,
  body: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  // A full stop inside either would let two different messages have the same signed content.
  if (id.includes(".")) throw new TypeError(`Cannot sign id=${id}: expected no full stop in it`);
  if (!Number.isSafeInteger(timestampS)) {
    throw new TypeError(`Cannot sign timestampS=${timestampS}: expected whole Unix seconds`);
  }
  const head = new TextEncoder().encode(`${id}.${timestampS}.`);
  const content = new Uint8Array(head.length + body.length);
  content.set(head);
  content.set(body, head.length);
  return content;
}

async function importSecret(
  text: string,
  wanted?: SigningSecret["scheme"],
): Promise<ImportedSecret> {
  const secret = parseSecret(text);
  if (wanted !== undefined && secret.scheme !== wanted) {
    throw new TypeError(`Cannot sign ${wanted} with a secret of ${secret.scheme}`);
  }
  if (secret.scheme === "v1") return secret;
  return { scheme: "v1a", key: await importSeed(secret.seed, false) };
}

/**
 * The HMAC is taken in this thread: WebCrypto hands each to another one and back, which costs several times what the hash
 * of some kilobytes does, at every attempt.
 */
async function sign(
  secret: ImportedSecret,
  content: Uint8Array<ArrayBuffer>,
): Promise<string> {
  if (secret.scheme === "v1") {
    return `v1,${createHmac("sha256", secret.key).update(content).digest("base64")}`;
  }
  const signature = await crypto.subtle.sign("Ed25519", secret.key, content);
  return `v1a,${new Uint8Array(signature).toBase64()}`;
}

async function importSeed(seed: Uint8Array<ArrayBuffer>, extractable: boolean): Promise<CryptoKey> {
  const pkcs8 = new Uint8Array(ED25519_PKCS8_HEAD.length + seed.length);
  pkcs8.set(ED25519_PKCS8_HEAD);
  pkcs8.set(seed, ED25519_PKCS8_HEAD.length);
  return await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", extractable, ["sign"]);
}

async function publicKeyOf(seed: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const { x } = await crypto.subtle.exportKey("jwk", await importSeed(seed, true));
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
