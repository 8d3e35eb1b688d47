// Longer than any telephone number in any writing: ITU-T E.164 §6 allows 15 digits.
const LONGEST = 64;

/** Bidirectional and other marks that are not seen (Unicode Cf): copying from a contact list brings them along. */
const UNSEEN = /\p{Cf}/gu;
/** Arabic-Indic digits and their Persian forms, by the code point of their zero. */
const ARABIC_ZEROS = [0x0660, 0x06f0];
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
    .replace(/[\u0660-\u0669\u06f0-\u06f9]/g, asciiDigit)
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

function asciiDigit(digit: string): string {
  const code = digit.charCodeAt(0);
  const zero = ARABIC_ZEROS.find((zero) => code >= zero && code < zero + 10) ?? code;
  return String(code - zero);
}
