/** This much of an answer is kept, in bytes of UTF-8. */
export const MAX_EXCERPT_BYTES = 4 * 1_024;

/** Shorter values are words that an answer may hold by chance. */
const MIN_MASKED_LENGTH = 8;

const MASK = "***";

/**
 * What is kept of an answer: its beginning as text, without what must not be kept. A consumer that echoes its request must
 * not bring the passwords of its gateway into the attempt log, however it spells them, nor half of one: so all that was
 * read is masked before it is cut, and what may be the beginning of a secret at the end of it goes too.
 *
 * @param untrustedBytes the answer's body as far as it was read
 * @param secretHeaders header values that only the consumer's gateway should know
 */
export function excerptOf(
  untrustedBytes: Uint8Array,
  secretHeaders: Readonly<Record<string, string>>,
): string {
  // `stream` leaves out a character that the cut went through.
  const text = new TextDecoder().decode(untrustedBytes, { stream: true });
  const secrets = Object.values(secretHeaders).flatMap(secretsIn).flatMap(spellingsOf)
    .filter((secret, at, all) => secret.length >= MIN_MASKED_LENGTH && all.indexOf(secret) === at)
    // A longer one may hold a shorter one, whose mask would leave the rest of it.
    .sort((a, b) => b.length - a.length);
  const masked = secrets.reduce((shown, secret) => shown.replaceAll(secret, MASK), text);
  return cut(withoutBeginning(masked, secrets));
}

/** A header's value, the credentials in it, and for `Basic` what they encode (RFC 7617 §2). */
function secretsIn(value: string): readonly string[] {
  const [, scheme = "", credentials] = /^([A-Za-z][\w-]*)\s+(\S.*)$/.exec(value) ?? [];
  if (credentials === undefined) return [value];
  if (scheme.toLowerCase() !== "basic") return [value, credentials];
  const pair = fromBase64(credentials);
  return pair === null
    ? [value, credentials]
    : [value, credentials, pair, pair.slice(pair.indexOf(":") + 1)];
}

/** As it is, in a URL, in JSON, in HTML, and in base64 of both alphabets. */
function spellingsOf(secret: string): readonly string[] {
  const bytes = new TextEncoder().encode(secret);
  const base64 = bytes.toBase64({ omitPadding: true });
  return [
    secret,
    encodeURIComponent(secret.toWellFormed()),
    JSON.stringify(secret).slice(1, -1),
    secret.replaceAll("/", "\\/"),
    secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll(
      '"',
      "&quot;",
    ),
    base64,
    base64.replaceAll("+", "-").replaceAll("/", "_"),
  ];
}

/** The text without an end that is the beginning of a secret, of at least so much that it tells something. */
function withoutBeginning(text: string, secrets: readonly string[]): string {
  for (const secret of secrets) {
    for (let length = Math.min(secret.length - 1, text.length); length >= 4; length--) {
      if (text.endsWith(secret.slice(0, length))) return `${text.slice(0, -length)}${MASK}`;
    }
  }
  return text;
}

function cut(text: string): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= MAX_EXCERPT_BYTES) return text;
  return new TextDecoder().decode(bytes.subarray(0, MAX_EXCERPT_BYTES), { stream: true });
}

function fromBase64(text: string): string | null {
  try {
    return new TextDecoder().decode(Uint8Array.fromBase64(text));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
