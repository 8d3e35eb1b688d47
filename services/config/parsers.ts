/** Reads one kind of value; the table in `variables.ts` says which variable holds which. */
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

/** A secret of the operator's own choice by which others are let in: long enough that nobody guesses it. */
export const ownSecret = matching(
  /^[\x21-\x7e]{16,}$/,
  "16 or more visible ASCII characters without spaces",
);

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
 * CometD channels. Bayeux protocol specification, "Channels": segments of these characters; a wildcard stands for one
 * segment (*) or any number of them (**), and only at the end. Channels under /meta belong to the protocol itself.
 */
export const cometdChannels: Parser<readonly string[]> = commaList(
  matching(
    /^(?!\/meta(\/|$))(\/[A-Za-z0-9_!~()$@-]+)*\/([A-Za-z0-9_!~()$@-]+|\*\*?)$/,
    "",
  ).parse,
  {
    expected: "1 to 100 CometD channels such as /v2/me/* or /v2/me/calls, separated by commas",
    max: 100,
  },
);

/** A Twilio SID (https://www.twilio.com/docs/glossary/what-is-a-sid): two letters and 32 hexadecimal digits. */
export function twilioSid(prefix: "AC" | "MG"): Parser<string> {
  const form = new RegExp(`^${prefix}[0-9a-fA-F]{32}$`);
  return matching(form, `${prefix} and 32 hexadecimal digits`);
}

/** A number that texts are sent from. ITU-T E.164 allows at most 15 digits. */
export const senderNumber: Parser<string> = matching(
  /^(\+[1-9]\d{6,14}|\d{3,6})$/,
  "an E.164 number such as +15550100000, or a short code of 3 to 6 digits",
);

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
