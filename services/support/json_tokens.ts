/** The code units by which a token of JSON begins (RFC 8259 §2); every other token is a number, `true`, `false` or `null`. */
export const TOKEN = {
  quote: 0x22,
  comma: 0x2c,
  colon: 0x3a,
  openBracket: 0x5b,
  closeBracket: 0x5d,
  openBrace: 0x7b,
  closeBrace: 0x7d,
} as const;

/** Is told by which code unit a token begins, where it begins, and where what comes after it begins. */
export type TakeToken = (first: number, from: number, to: number) => void;

const BACKSLASH = 0x5c;
const PUNCTUATION: ReadonlySet<number> = new Set(
  [
    TOKEN.comma,
    TOKEN.colon,
    TOKEN.openBracket,
    TOKEN.closeBracket,
    TOKEN.openBrace,
    TOKEN.closeBrace,
  ],
);
// Space, tab, line feed, carriage return: the white space of RFC 8259 §2.
const WHITE_SPACE: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);

/**
 * Hands on the tokens of a text in order, in time that grows with its length alone and without recursion. The text has
 * to be one that `JSON.parse` has accepted: nothing is checked here. Libraries that tell where a value stands in its
 * text (jsonc-parser, momoa) are parsers of their own, which may read a text otherwise than `JSON.parse` does.
 */
export function eachToken(jsonText: string, take: TakeToken): void {
  for (let from = 0; from < jsonText.length;) {
    const first = jsonText.charCodeAt(from);
    if (WHITE_SPACE.has(first)) {
      from++;
      continue;
    }
    const to = endOf(jsonText, first, from);
    take(first, from, to);
    from = to;
  }
}

function endOf(jsonText: string, first: number, from: number): number {
  if (PUNCTUATION.has(first)) return from + 1;
  if (first === TOKEN.quote) return endOfString(jsonText, from);
  let to = from + 1;
  for (; to < jsonText.length; to++) {
    const unit = jsonText.charCodeAt(to);
    if (PUNCTUATION.has(unit) || WHITE_SPACE.has(unit)) break;
  }
  return to;
}

/**
 * Where the string that begins at `from` is over: a quote ends it unless an odd number of backslashes stands before. Where
 * none ends it, it is over with the text.
 */
export function endOfString(jsonText: string, from: number): number {
  for (let at = from + 1;;) {
    const quote = jsonText.indexOf('"', at);
    if (quote === -1) return jsonText.length;
    let backslashes = 0;
    while (jsonText.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
    at = quote + 1;
  }
}

/**
 * Whether arrays and objects are nested in more levels than that. It looks no further than to the first that is too deep,
 * and the text need not be JSON: `JSON.parse` takes ten times as long for a megabyte of opening brackets as for one of anything else.
 */
export function isDeeperThan(levels: number, untrustedText: string): boolean {
  let depth = 0;
  for (let at = 0; at < untrustedText.length;) {
    const unit = untrustedText.charCodeAt(at);
    if (unit === TOKEN.quote) {
      at = endOfString(untrustedText, at);
      continue;
    }
    if (unit === TOKEN.openBracket || unit === TOKEN.openBrace) depth++;
    else if (unit === TOKEN.closeBracket || unit === TOKEN.closeBrace) depth--;
    if (depth > levels) return true;
    at++;
  }
  return false;
}
