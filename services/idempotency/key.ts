/** RFC 9651 §3.3.3, a string: printable ASCII, with `"` and `\` escaped. */
const QUOTED = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/;
const KEY = /^[\x21-\x7e]{1,255}$/;

/**
 * The key in an `Idempotency-Key` header: 1 to 255 visible ASCII characters; null when there is none.
 *
 * draft-ietf-httpapi-idempotency-key-header §2.1 wants a quoted string, while most clients send the key bare: both are read, and
 * mean the same key.
 */
export function readIdempotencyKey(untrustedHeader: string): string | null {
  const trimmed = untrustedHeader.trim();
  const key = trimmed.startsWith('"')
    ? QUOTED.exec(trimmed)?.[1]?.replace(/\\(["\\])/g, "$1") ?? ""
    : trimmed;
  return KEY.test(key) ? key : null;
}
