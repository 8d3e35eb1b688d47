import * as v from "valibot";

/** What reads show in the place of a header's value. */
export const MASK = "***";

const MAX_HEADERS = 20;
const MAX_HEADER_LENGTH = 1_024;

// RFC 9110 §5.6.2 (token).
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]{1,128}$/i;
// RFC 9110 §5.5 without obs-text: visible ASCII, with spaces and tabs inside only.
const HEADER_VALUE = /^[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?$/;

// Hop-by-hop headers (RFC 9110 §7.6.1), the framing of the message, what names Patchbay, and what it says of the way
// that the request took. `authorization` is not among them: a consumer's gateway may ask for one.
const FORBIDDEN_NAMES: ReadonlySet<string> = new Set([
  "accept-encoding",
  "connection",
  "date",
  "expect",
  "forwarded",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "traceparent",
  "tracestate",
  "transfer-encoding",
  "upgrade",
  "user-agent",
  "via",
]);
const FORBIDDEN_PREFIXES = ["content-", "proxy-", "sec-", "webhook-", "x-forwarded-"];

const TEXT =
  `1 to ${MAX_HEADER_LENGTH} visible ASCII characters and not the ${MASK} that reads show`;
const MAP = `an object of at most ${MAX_HEADERS} headers, no name twice`;

/** The headers that a webhook sends of its own, by name; names come out in lower case. */
export const ownHeadersSchema = v.pipe(
  v.unknown(),
  // A record schema takes a list for an object whose names are numbers.
  v.check((headers) => !Array.isArray(headers), MAP),
  v.record(
    v.pipe(
      v.string(),
      v.regex(HEADER_NAME, "a header name (RFC 9110 token)"),
      v.check(isAllowed, "a header that Patchbay neither sets itself nor forbids"),
    ),
    v.pipe(
      v.string(TEXT),
      v.maxLength(MAX_HEADER_LENGTH, TEXT),
      v.regex(HEADER_VALUE, TEXT),
      v.check((value) => value !== MASK, TEXT),
    ),
    MAP,
  ),
  v.check((headers) => Object.keys(headers).length <= MAX_HEADERS, MAP),
  v.check(hasNoNameTwice, MAP),
  v.transform(lowerCased),
);

function isAllowed(name: string): boolean {
  const lowerName = name.toLowerCase();
  return !FORBIDDEN_NAMES.has(lowerName) &&
    !FORBIDDEN_PREFIXES.some((prefix) => lowerName.startsWith(prefix));
}

function hasNoNameTwice(headers: Record<string, string>): boolean {
  return Object.keys(lowerCased(headers)).length === Object.keys(headers).length;
}

function lowerCased(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}
