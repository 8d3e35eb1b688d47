/** The numbers of a session as upstream's attached data gives them: digits only, not yet checked for being callable. */
export interface RawCustomer {
  /** The customer's number. */
  readonly phone: string;
  /** The number of ours that the customer texted. */
  readonly sender: string | null;
}

// The keys of Genesys' "SMS Inbound Messages Attributes" (MSGA 9.0.0), in the order of DESIGN §10.
const CUSTOMER_KEYS = ["PhoneNumber", "FromAddr", "_smsSrcNumber"];
const OUR_KEYS = ["ToAddr", "_smsDestNumber"];

/**
 * Finds the customer's number, and ours, in a session's `userData`; null when no key holds a usable number.
 * The result is for the store; {@link toE164} and {@link toSender} make it fit for sending.
 */
export function customerFromUserData(untrustedUserData: unknown): RawCustomer | null {
  if (typeof untrustedUserData !== "object" || untrustedUserData === null) return null;
  const values = new Map(Object.entries(untrustedUserData));
  const phone = firstDigits(values, CUSTOMER_KEYS, FULL_NUMBER);
  return phone === null
    ? null
    : { phone, sender: firstDigits(values, OUR_KEYS, NUMBER_OR_SHORT_CODE) };
}

/**
 * A number in E.164 (`+16501111111`), or null when it cannot be one. Digits without a plus count as international, as
 * upstream writes them; any other writing needs its plus. Extensions are refused: a text cannot reach one.
 *
 * It checks that the calling code exists and the length is possible there, not that the range is handed out: numbering
 * plans change faster than a pinned copy of them, and Twilio says 21211 to what does not exist. Throws when
 * `libphonenumber-js` cannot be loaded.
 */
export async function toE164(rawNumber: string): Promise<string | null> {
  const trimmed = rawNumber.trim();
  const international = /^\d+$/.test(trimmed) ? `+${trimmed}` : trimmed;
  if (!international.startsWith("+")) return null;
  // The smallest build that knows lengths; loaded here because only deployments with SMS need its 25 ms.
  const { default: parsePhoneNumber } = await import("libphonenumber-js/min");
  const parsed = parsePhoneNumber(international, { extract: false });
  return parsed !== undefined && parsed.ext === undefined && parsed.isPossible()
    ? parsed.number
    : null;
}

/** A number that a text can come from: a short code of 3 to 6 digits as it is, everything else as {@link toE164}. */
export async function toSender(rawNumber: string): Promise<string | null> {
  const trimmed = rawNumber.trim();
  return SHORT_CODE.test(trimmed) ? trimmed : await toE164(trimmed);
}

const SHORT_CODE = /^\d{3,6}$/;
// E.164 §6: at most 15 digits. No country's numbers are shorter than 7 with the calling code.
const FULL_NUMBER = /^\d{7,15}$/;
const NUMBER_OR_SHORT_CODE = /^(?:\d{3,6}|\d{7,15})$/;

function firstDigits(
  values: ReadonlyMap<string, unknown>,
  keys: readonly string[],
  shape: RegExp,
): string | null {
  for (const key of keys) {
    const digits = digitsOf(values.get(key));
    if (digits !== null && shape.test(digits)) return digits;
  }
  return null;
}

// Upstream writes strings of digits; some deployments write numbers, or format them for people.
function digitsOf(untrustedValue: unknown): string | null {
  if (typeof untrustedValue === "number") {
    return Number.isSafeInteger(untrustedValue) ? String(untrustedValue) : null;
  }
  return typeof untrustedValue === "string" && /^\s*\+?[\d\s().-]+$/.test(untrustedValue)
    ? untrustedValue.replace(/\D/g, "")
    : null;
}
