import { phoneText, tellsItsCountry } from "../../support/phone_text.ts";

/** The numbers of a session as upstream's attached data gives them: as they were told, not yet read as numbers. */
export interface RawCustomer {
  /** The customer's number; {@link NO_NUMBER} where there is something that cannot be read as one number. */
  readonly phone: string;
  /** The number of ours that the customer texted. */
  readonly sender: string | null;
}

// The keys of Genesys' "SMS Inbound Messages Attributes" (MSGA 9.0.0), in the order of DESIGN §10.
const CUSTOMER_KEYS = ["PhoneNumber", "FromAddr", "_smsSrcNumber"];
const OUR_KEYS = ["ToAddr", "_smsDestNumber"];

/** Stands for what is no telephone number or more than one, such as one with an extension. Nobody can be texted there. */
export const NO_NUMBER = "?";

// E.164 §6: at most 15 digits; a national number may have a prefix in front. Nobody's number is shorter than 7.
const FEWEST_OF_A_CUSTOMER = 7;
// A short code of ours is shorter.
const FEWEST_OF_OURS = 3;
const MOST = 18;
// "anonymous" is told of nobody's number; from so many digits on somebody's was meant.
const FEWEST_OF_AN_ATTEMPT = 3;

/**
 * Finds the text of the customer's number, and of ours, in a session's `userData`; null when no key holds one. A number that
 * tells its country goes before one that does not: the SMS server writes its own so, and an integration may have attached
 * the same one as people write it at home. Whose number such a one is, is to be judged by whoever texts it. Where all that
 * is told cannot be read, that is said too: nothing better is to be waited for.
 */
export function customerFromUserData(untrustedUserData: unknown): RawCustomer | null {
  if (typeof untrustedUserData !== "object" || untrustedUserData === null) return null;
  const writings = (keys: readonly string[]) =>
    keys.map((key) => writingOf(ownMember(untrustedUserData, key)))
      .filter((writing) => writing !== null);
  const told = writings(CUSTOMER_KEYS);
  const phone = numberAmong(told, FEWEST_OF_A_CUSTOMER) ??
    (told.some(isAttempt) ? NO_NUMBER : null);
  return phone === null ? null : { phone, sender: numberAmong(writings(OUR_KEYS), FEWEST_OF_OURS) };
}

function numberAmong(writings: readonly string[], fewestDigits: number): string | null {
  const numbers = writings.map(phoneText).filter((text) => text !== null).filter((text) => {
    const digits = text.replace(/\D/g, "").length;
    return digits >= fewestDigits && digits <= MOST;
  });
  return numbers.find(tellsItsCountry) ?? numbers[0] ?? null;
}

function isAttempt(untrustedWriting: string): boolean {
  return (untrustedWriting.match(/\p{Nd}/gu) ?? []).length >= FEWEST_OF_AN_ATTEMPT;
}

function ownMember(untrustedUserData: object, key: string): unknown {
  return Object.getOwnPropertyDescriptor(untrustedUserData, key)?.value;
}

// Upstream writes strings of digits; some deployments write numbers, or format them for people.
function writingOf(untrustedValue: unknown): string | null {
  if (Number.isSafeInteger(untrustedValue)) return String(untrustedValue);
  return typeof untrustedValue === "string" ? untrustedValue : null;
}
