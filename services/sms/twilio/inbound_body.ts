// Twilio hands a text over in base64 only where it was put together from several segments, so its text is longer than the
// 70 characters that one segment holds at least (GSM 03.38 in UCS-2): 71 bytes or more are 96 characters of base64.
const SHORTEST_BASE64 = 96;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

// What nobody types into a phone: control characters other than tab and line breaks, and code points that mean nothing.
const UNTYPABLE = /[^\P{Cc}\t\n\r]|[\p{Cn}\p{Co}]/u;

/**
 * The words of a text. Some texts of several segments arrive in base64 and are decoded here; it has to be beyond doubt, as a
 * customer may well send something that merely looks like it: long enough, canonical, and what comes out is words in
 * UTF-8, with a space between them. Whatever is in doubt stays as it came.
 */
export function readableBody(untrustedBody: string): string {
  if (untrustedBody.length < SHORTEST_BASE64 || !BASE64.test(untrustedBody)) return untrustedBody;
  const text = decoded(untrustedBody);
  return text !== null && /\S\s+\S/.test(text) && !UNTYPABLE.test(text) ? text : untrustedBody;
}

/** Null for what is not canonical base64 (RFC 4648 §3.5: the last bits are zero) of UTF-8. */
function decoded(base64: string): string | null {
  try {
    const bytes = Uint8Array.fromBase64(base64, { lastChunkHandling: "strict" });
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
