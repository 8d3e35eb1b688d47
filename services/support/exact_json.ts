/**
 * JSON kept value for value. A JavaScript number cannot hold every number that a JSON text can spell (`1.0`,
 * `12345678901234567890`, `-0`, `1e999`), so those few are kept as their own text, by V8's implementation of
 * https://tc39.es/proposal-json-parse-with-source/ (raw JSON values, and a reviver that is told the source).
 */

// TypeScript's library does not describe these two yet.
declare global {
  interface JSON {
    /** An opaque value that `JSON.stringify` writes as exactly this text, which must be that of a primitive. */
    rawJSON(text: string): object;
    isRawJSON(value: unknown): boolean;
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
    ): unknown;
  }
}

// A number that does not come back as it was: it has a fraction, an exponent, sixteen digits or more, or is minus zero.
// In front of it stands a name's quote and colon, or a comma or bracket. Strings can hold such a thing too, which only
// costs the slower way of reading; times of day, which most notifications hold, do not look like one.
const SUSPICIOUS_NUMBER = /(?:"[ \t\r\n]*:|[,[])[ \t\r\n]*(?:-0|-?\d+[.eE]|-?\d{16})/;

/** False: every number of this JSON text is written by `JSON.stringify` as it was read. */
export function mayHoldInexactNumbers(jsonText: string): boolean {
  return SUSPICIOUS_NUMBER.test(jsonText);
}

/**
 * Like `JSON.parse`, but a number that `JSON.stringify` would write differently becomes a raw JSON value.
 * For writing out only: code that reads numbers wants the plain parse of the same text. Recursive, so the caller
 * checks {@link isDeeperThan} on the plain parse first. Throws SyntaxError.
 */
export function parseExactly(jsonText: string): unknown {
  return JSON.parse(
    jsonText,
    (_key, value, { source }) =>
      typeof value === "number" && source !== undefined && JSON.stringify(value) !== source
        ? JSON.rawJSON(source)
        : value,
  );
}

/** Whether arrays and objects are nested in more than so many levels; stops descending there. */
export function isDeeperThan(json: unknown, levels: number): boolean {
  if (typeof json !== "object" || json === null) return false;
  if (levels === 0) return true;
  return Object.values(json).some((member) => isDeeperThan(member, levels - 1));
}

/**
 * The JSON text with the members of every object in code unit order and no white space, so that texts which
 * differ only in these come out equal. Numbers are compared as spelled: `1` and `1.0` stay different.
 */
export function canonicalJson(json: unknown): string {
  if (typeof json !== "object" || json === null || JSON.isRawJSON(json)) {
    return JSON.stringify(json);
  }
  if (Array.isArray(json)) return `[${json.map(canonicalJson).join(",")}]`;
  const members = Object.entries(json)
    .sort(([a], [b]) => a < b ? -1 : 1)
    .map(([name, value]) => `${JSON.stringify(name)}:${canonicalJson(value)}`);
  return `{${members.join(",")}}`;
}
