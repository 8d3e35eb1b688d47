/** More is not relayed, in bytes; it is also the most that an MMS may have. */
export const MOST_MEDIA_BYTES = 5 * 1024 * 1024;

/** Of images, sound and films every type but those that are XML, such as SVG: they may hold scripts. */
const SEEN_OR_HEARD = /^(?:image|audio|video)\/(?![a-z0-9.+-]*\+xml$)[a-z0-9][a-z0-9.+-]*$/;
const DOCUMENTS: ReadonlySet<string> = new Set([
  "application/ogg",
  "application/pdf",
  "application/vcard",
  "text/calendar",
  "text/directory",
  "text/plain",
  "text/vcard",
  "text/x-vcard",
]);

/** The type without parameters, in lower case, where media of it are relayed; else null. */
export function relayedType(untrustedContentType: string | null): string | null {
  const type = untrustedContentType?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  return SEEN_OR_HEARD.test(type) || DOCUMENTS.has(type) ? type : null;
}

/**
 * The one range of bytes that a `Range` header asks for, as it is sent on. Null for anything else, which is then answered
 * with the whole (RFC 9110 §14.2). A unit's name may have capitals (§14.1).
 */
export function oneRange(untrustedRange: string | null): string | null {
  const [range, first, last] =
    /^bytes=(?:(\d{1,10})-(\d{0,10})|-\d{1,10})$/.exec(untrustedRange?.toLowerCase() ?? "") ?? [];
  return range === undefined || (first && last && Number(last) < Number(first)) ? null : range;
}
