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

// E.164 §6: at most 15 digits. No country's numbers are shorter than 7 with the calling code.
const FULL_NUMBER = /^\d{7,15}$/;
const NUMBER_OR_SHORT_CODE = /^(?:\d{3,6}|\d{7,15})$/;

/** Finds the customer's number, and ours, in a session's `userData`; null when no key holds a usable number. */
export function customerFromUserData(untrustedUserData: unknown): RawCustomer | null {
  if (typeof untrustedUserData !== "object" || untrustedUserData === null) return null;
  const values = new Map(Object.entries(untrustedUserData));
  const phone = firstDigits(values, CUSTOMER_KEYS, FULL_NUMBER);
  return phone === null
    ? null
    : { phone, sender: firstDigits(values, OUR_KEYS, NUMBER_OR_SHORT_CODE) };
}

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
