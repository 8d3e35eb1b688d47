// Longer than any telephone number in any writing: ITU-T E.164 §6 allows 15 digits.
const LONGEST = 64;

/** Bidirectional and other marks that are not seen (Unicode Cf): copying from a contact list brings them along. */
const UNSEEN = /\p{Cf}/gu;
/** Digits that are not ASCII's, of whatever script. */
const FOREIGN_DIGIT = /(?![0-9])\p{Nd}/gu;
const URI = /^(?:tel|sms):/i;
const NUMBER_WRITING = /^\(?\+?[\d\s().\-/]+$/;

/**
 * The text of a telephone number in plain characters: ASCII digits and signs, no marks that are not seen, no blanks around
 * it, not the `tel:` of a URI (RFC 3966). Null for what is not written as one number: letters (vanity numbers, extensions), a
 * number that means something only inside a house, several numbers with a comma between them.
 */
export function phoneText(untrustedText: string): string | null {
  if (untrustedText.length > LONGEST) return null;
  const plain = untrustedText.normalize("NFKC")
    .replace(UNSEEN, "")
    .replace(FOREIGN_DIGIT, asciiDigit)
    .replace(/[\p{Pd}\u2212]/gu, "-")
    .trim()
    .replace(URI, "")
    .trim();
  return NUMBER_WRITING.test(plain) && /\d/.test(plain) ? plain : null;
}

/**
 * Whether a {@link phoneText} says which country it belongs to: by its plus, or as bare digits that are so many that they
 * begin with a calling code. No calling code begins with 0.
 */
export function tellsItsCountry(text: string): boolean {
  return /^\(?\+/.test(text) || /^[1-9]\d{10,14}$/.test(text);
}

/** A script's digits stand in a row, its zero first, and so do the rows of scripts that are neighbours (Unicode §4.6). */
function asciiDigit(digit: string): string {
  let before = 0;
  while (/\p{Nd}/u.test(String.fromCodePoint((digit.codePointAt(0) ?? 0) - before - 1))) before++;
  return String(before % 10);
}
