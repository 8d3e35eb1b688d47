import { compactDecrypt, CompactEncrypt, decodeProtectedHeader } from "jose";

/** Seals secrets for keeping them at rest. */
export interface Sealer {
  /** The text as a compact JWE (RFC 7516 §3.1), sealed with the current key. */
  seal(plaintext: string): Promise<string>;
  /**
   * The text that was sealed.
   * @throws {CannotUnseal} when no key in use opens it, or when it is damaged.
   */
  open(sealed: string): Promise<string>;
}

/** A sealed text that cannot be opened; the message holds neither the text nor a key. */
export class CannotUnseal extends Error {
  /** `other-key`: sealed with a key that is not in use; `damaged`: not what was once sealed. */
  readonly reason: "other-key" | "damaged";

  constructor(message: string, reason: "other-key" | "damaged", options?: ErrorOptions) {
    super(message, options);
    this.name = "CannotUnseal";
    this.reason = reason;
  }
}

/** The key is used itself, without wrapping another one (RFC 7518 §4.5). */
const KEY_MANAGEMENT = "dir";
const ENCRYPTION = "A256GCM";

/**
 * A sealer with one key of 32 bytes, or with several: the first seals, all of them open. A key is rotated by
 * putting the new one in front of the old one.
 * @throws {TypeError} when a key is not 32 bytes long, or when there is none.
 */
export function createSealer(keys: Uint8Array | readonly Uint8Array[]): Sealer {
  const list = (keys instanceof Uint8Array ? [keys] : keys).map((key) => new Uint8Array(key));
  if (list.length === 0) throw new TypeError("Cannot seal without a key: expected one at least");
  for (const { length } of list) {
    if (length !== 32) throw new TypeError(`Cannot use a key of ${length} bytes: expected 32`);
  }
  let naming: Promise<readonly NamedKey[]> | undefined;
  const namedKeys = () => naming ??= Promise.all(list.map(nameKey));

  return {
    async seal(plaintext) {
      const [current] = await namedKeys();
      if (current === undefined) throw new TypeError("Cannot seal without a key");
      return await new CompactEncrypt(new TextEncoder().encode(plaintext))
        .setProtectedHeader({ alg: KEY_MANAGEMENT, enc: ENCRYPTION, kid: current.kid })
        .encrypt(current.key);
    },
    async open(sealed) {
      const kid = readKid(sealed);
      const named = (await namedKeys()).find((each) => each.kid === kid);
      if (named === undefined) {
        const message = `Cannot open what key ${JSON.stringify(kid)} sealed: expected a key in use`;
        throw new CannotUnseal(message, "other-key");
      }
      return await decrypt(sealed, named.key);
    },
  };
}

interface NamedKey {
  readonly kid: string;
  readonly key: Uint8Array;
}

/** The first 8 hexadecimal digits of the key's SHA-256: enough to tell keys apart, useless for finding one. */
export async function keyIdOf(key: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(key)));
  return digest.toHex().slice(0, 8);
}

async function nameKey(key: Uint8Array): Promise<NamedKey> {
  return { kid: await keyIdOf(key), key };
}

function readKid(sealed: string): string | undefined {
  try {
    return decodeProtectedHeader(sealed).kid;
  } catch (cause) {
    throw new CannotUnseal("Cannot open a sealed text: expected a compact JWE", "damaged", {
      cause,
    });
  }
}

async function decrypt(sealed: string, key: Uint8Array): Promise<string> {
  try {
    const { plaintext } = await compactDecrypt(sealed, key, {
      keyManagementAlgorithms: [KEY_MANAGEMENT],
      contentEncryptionAlgorithms: [ENCRYPTION],
    });
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(plaintext);
  } catch (cause) {
    throw new CannotUnseal(
      "Cannot open a sealed text: expected it as it was sealed, with its own key",
      "damaged",
      { cause },
    );
  }
}
