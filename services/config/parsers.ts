/** Reads one kind of value; the sections in this folder say which variable holds which. */
export interface Parser<T> {
  /** Ends the sentence "expected …". */
  readonly expected: string;
  /** The value, or undefined when the text is not what was expected. */
  readonly parse: (untrustedText: string) => T | undefined;
}

/** A whole number, both bounds included. */
export function integer(min: number, max: number): Parser<number> {
  return {
    expected: `an integer from ${min} to ${max}`,
    parse: (text) => numberWithin(/^\d+$/, text, min, max),
  };
}

/** A whole number of seconds, kept as milliseconds. */
export function secondsAsMs(min: number, max: number): Parser<number> {
  const seconds = integer(min, max);
  return {
    expected: seconds.expected,
    parse(text) {
      const value = seconds.parse(text);
      return value === undefined ? undefined : value * 1000;
    },
  };
}

/** One of a few words; `remark` follows them where more needs to be said. */
export function oneOf<const T extends string>(words: readonly T[], remark = ""): Parser<T> {
  return {
    expected: words.join(", ").replace(/, (?=[^,]*$)/, " or ") + remark,
    parse: (text) => words.find((word) => word === text),
  };
}

/** Text without control characters. */
export function plainText(expected: string): Parser<string> {
  return { expected, parse: (text) => (/\p{Cc}/u.test(text) ? undefined : text) };
}

/** Text of a certain form. */
export function matching(pattern: RegExp, expected: string): Parser<string> {
  return { expected, parse: (text) => (pattern.test(text) ? text : undefined) };
}

/** A token that travels in a header: visible ASCII, so that no header can be broken by it (RFC 9110 §5.5). */
export const headerToken = matching(/^[\x21-\x7e]+$/, "visible ASCII characters without spaces");

/** Items separated by commas, with or without spaces around them; none may be empty. */
export function commaList<T>(
  parseItem: Parser<T>["parse"],
  { expected, max }: { readonly expected: string; readonly max: number },
): Parser<readonly T[]> {
  return {
    expected,
    parse(text) {
      const parts = text.split(",").map((part) => part.trim());
      const items = parts.map((part) => part === "" ? undefined : parseItem(part));
      const good = items.filter((value) => value !== undefined);
      return good.length === parts.length && good.length <= max ? good : undefined;
    },
  };
}

/** The waits of a retry ladder: seconds with decimals, kept as whole milliseconds. */
export const retryWaits: Parser<readonly number[]> = commaList(
  (text) => {
    const seconds = numberWithin(/^\d+(\.\d+)?$/, text, 0, 604_800);
    return seconds === undefined ? undefined : Math.round(seconds * 1000);
  },
  {
    expected: "1 to 30 numbers of seconds from 0 to 604800, separated by commas",
    max: 30,
  },
);

/** A token bucket: `N/s` with a burst of twice the rate; null for `off`. */
export const rateLimit: Parser<{ readonly perSecond: number; readonly burst: number } | null> = {
  expected: "off or a rate such as 50/s, from 1/s to 100000/s",
  parse(text) {
    if (text === "off") return null;
    if (!text.endsWith("/s")) return undefined;
    const perSecond = numberWithin(/^\d+$/, text.slice(0, -2), 1, 100_000);
    return perSecond === undefined ? undefined : { perSecond, burst: perSecond * 2 };
  },
};

/**
 * Signature algorithms that `jose` verifies with a public key (RFC 7518 §3.1, RFC 8037, RFC 9864). `none` and the
 * symmetric ones are left out: with them, whoever may verify may also sign (RFC 8725 §3.1, §3.2).
 */
const SIGNATURE_ALGORITHMS = [
  "EdDSA",
  "Ed25519",
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
] as const;

export const signatureAlgorithms: Parser<readonly string[]> = commaList(
  oneOf(SIGNATURE_ALGORITHMS).parse,
  {
    expected: `some of ${SIGNATURE_ALGORITHMS.join(", ")}, separated by commas`,
    max: SIGNATURE_ALGORITHMS.length,
  },
);

/** Verification keys as text. A PEM may have its line breaks written `\n`, as one-line env files need it. */
export const publicKeyText: Parser<string> = {
  expected: "a public key: PEM (PUBLIC KEY or CERTIFICATE), JWK or JWKS text",
  parse(text) {
    const trimmed = text.trim();
    if (/^-----BEGIN (PUBLIC KEY|CERTIFICATE)-----/.test(trimmed) && !/PRIVATE KEY/.test(trimmed)) {
      return trimmed.replaceAll("\\n", "\n");
    }
    return isPublicJwkText(trimmed) ? trimmed : undefined;
  },
};

function isPublicJwkText(untrustedText: string): boolean {
  let parsed: unknown;
  try {
    parsed = JSON.parse(untrustedText);
  } catch {
    return false;
  }
  const keys = isObject(parsed) && Array.isArray(parsed.keys) ? parsed.keys : [parsed];
  return keys.length > 0 && keys.every(isPublicJwk);
}

// RFC 7518 §6.2.2, §6.3.2, §6.4: a member `d` makes a key private, `oct` is a shared secret.
function isPublicJwk(key: unknown): boolean {
  return isObject(key) && typeof key.kty === "string" && key.kty !== "oct" && !("d" in key);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function numberWithin(
  pattern: RegExp,
  untrustedText: string,
  min: number,
  max: number,
): number | undefined {
  if (!pattern.test(untrustedText)) return undefined;
  const value = Number(untrustedText);
  return value >= min && value <= max ? value : undefined;
}
