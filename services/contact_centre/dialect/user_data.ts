import { phoneText, tellsItsCountry } from "../../support/phone_text.ts";

/** The numbers of a session as upstream's attached data gives them: as they were told, not yet read as numbers. */
export interface RawCustomer {
  /** The customer's number. */
  readonly phone: string;
  /** The number of ours that the customer texted. */
  readonly sender: string | null;
}

// The keys of Genesys' "SMS Inbound Messages Attributes" (MSGA 9.0.0), in the order of DESIGN §10.
const CUSTOMER_KEYS = ["PhoneNumber", "FromAddr", "_smsSrcNumber"];
const OUR_KEYS = ["ToAddr", "_smsDestNumber"];

// E.164 §6: at most 15 digits; a national number may have a prefix in front. Nobody's number is shorter than 7.
const FEWEST_OF_A_CUSTOMER = 7;
// A short code of ours is shorter.
const FEWEST_OF_OURS = 3;
const MOST = 18;

/**
 * Finds the text of the customer's number, and of ours, in a session's `userData`; null when no key holds one. A number that
 * tells its country goes before one that does not: the SMS server writes its own so, and an integration may have attached
 * the same one as people write it at home. Whose number such a one is, is to be judged by whoever texts it.
 */
export function customerFromUserData(untrustedUserData: unknown): RawCustomer | null {
  if (typeof untrustedUserData !== "object" || untrustedUserData === null) return null;
  const phone = toldNumber(untrustedUserData, CUSTOMER_KEYS, FEWEST_OF_A_CUSTOMER);
  if (phone === null) return null;
  return { phone, sender: toldNumber(untrustedUserData, OUR_KEYS, FEWEST_OF_OURS) };
}

function toldNumber(
  untrustedUserData: object,
  keys: readonly string[],
  fewestDigits: number,
): string | null {
  const told = keys.map((key) => numberText(ownMember(untrustedUserData, key))).filter((text) =>
    text !== null
  )
    .filter((text) => {
      const digits = text.replace(/\D/g, "").length;
      return digits >= fewestDigits && digits <= MOST;
    });
  return told.find(tellsItsCountry) ?? told[0] ?? null;
}

function ownMember(untrustedUserData: object, key: string): unknown {
  return Object.getOwnPropertyDescriptor(untrustedUserData, key)?.value;
}

// Upstream writes strings of digits; some deployments write numbers, or format them for people.
function numberText(untrustedValue: unknown): string | null {
  if (typeof untrustedValue === "number") {
    return Number.isSafeInteger(untrustedValue) ? phoneText(String(untrustedValue)) : null;
  }
  return typeof untrustedValue === "string" ? phoneText(untrustedValue) : null;
}
