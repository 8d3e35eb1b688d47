const KEY_BYTES = 32;

/**
 * The key in its written form: 32 bytes in base64 (RFC 4648 §4) or its URL-safe alphabet (§5), padded or not.
 * Null when the text is anything else.
 */
export function parseEncryptionKey(untrustedText: string): Uint8Array<ArrayBuffer> | null {
  const alphabet = /[-_]/.test(untrustedText) ? "base64url" : "base64";
  try {
    const key = Uint8Array.fromBase64(untrustedText, { alphabet });
    return key.length === KEY_BYTES ? key : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** A fresh key from the platform's cryptographic random source. */
export function createEncryptionKey(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(KEY_BYTES));
}
