/**
 * Tells whether a value is the same as one before without keeping either: a keyed hash, so that even a value that could be
 * guessed, such as a telephone number, cannot be found out from it without the key.
 */
export interface Fingerprints {
  /** The value's fingerprint: HMAC-SHA-256 with the current key, in base64url. */
  of(value: string): Promise<string>;
  /** Whether the fingerprint is the value's, by any key in use. */
  isOf(value: string, fingerprint: string): Promise<boolean>;
}

const HMAC = { name: "HMAC", hash: "SHA-256" };
/** The keys seal secrets as well: what is hashed here can be nothing that is hashed with them elsewhere. */
const PURPOSE = "patchbay fingerprint\0";

/** Fingerprints by one key of 32 bytes or several: the first makes them, all of them recognise them. */
export function createFingerprints(keys: readonly Uint8Array[]): Fingerprints {
  let imported: Promise<readonly CryptoKey[]> | undefined;
  const hmacKeys = () =>
    imported ??= Promise.all(
      keys.map((key) =>
        crypto.subtle.importKey("raw", new Uint8Array(key), HMAC, false, ["sign", "verify"])
      ),
    );
  const bytes = (value: string) => new TextEncoder().encode(PURPOSE + value);

  return {
    async of(value) {
      const [current] = await hmacKeys();
      if (current === undefined) throw new TypeError("Cannot make a fingerprint without a key");
      const mac = await crypto.subtle.sign("HMAC", current, bytes(value));
      return new Uint8Array(mac).toBase64({ alphabet: "base64url", omitPadding: true });
    },
    async isOf(value, fingerprint) {
      const mac = macOf(fingerprint);
      if (mac === null) return false;
      const matches = await Promise.all(
        (await hmacKeys()).map((key) => crypto.subtle.verify("HMAC", key, mac, bytes(value))),
      );
      return matches.includes(true);
    },
  };
}

function macOf(fingerprint: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.fromBase64(fingerprint, { alphabet: "base64url" });
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
