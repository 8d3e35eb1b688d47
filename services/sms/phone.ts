import type { CountryCode, PhoneNumber } from "libphonenumber-js";
import { phoneText, tellsItsCountry } from "../support/phone_text.ts";

/** Whose number a text is. */
export type PhoneReading =
  /** In E.164. */
  | { readonly kind: "number"; readonly e164: string }
  /** Nobody's, and why. */
  | { readonly kind: "nobodys"; readonly why: UnreadableNumber };

/**
 * - `no-country` it is written as at home, and nothing says which country that is
 * - `no-number` it is no number, or none of the country by which it was read
 * - `two-countries` it is a number of one country with its calling code, and of another without
 */
export type UnreadableNumber = "no-country" | "no-number" | "two-countries";

/** Reads telephone numbers: the one place that decides whose they are. Throws when `libphonenumber-js` cannot be loaded. */
export interface PhoneNumbers {
  /** Reads a customer's number, however people or programs have written it. */
  read(untrustedText: string): Promise<PhoneReading>;
  /** The number in E.164; null: nobody's. */
  toE164(untrustedText: string): Promise<string | null>;
  /** A number that a text can come from: a short code of 3 to 6 digits as it is, everything else as `toE164`; null: none. */
  toSender(untrustedText: string): Promise<string | null>;
  /** How a number in E.164, or a short code, may have been told, in digits alone; nothing else is a number. */
  spellings(number: string): Promise<readonly string[]>;
}

/** A country's code as `DEFAULT_COUNTRY` has it (ISO 3166-1 alpha-2). */
export type Country = string;

const SHORT_CODE = /^\d{3,6}$/;
/** In North America an area code and what follows it begin with 2 to 9 (North American Numbering Plan); no area 0xx or 1xx. */
const NANP = /^\+1[2-9]\d{9}$/;

/**
 * With a plus a number is what it says: its calling code has to exist and its length to be possible there, and no more, as
 * numbering plans change faster than a pinned copy of them. Bare digits that are so many that they hold a calling code are
 * read as international, as upstream writes them; those have to be of the form that they have there. Everything else is
 * national: nobody's without `defaultCountry`, and to be valid there with it. Bare digits that are one person's number
 * by their calling code and another person's mobile in the country are nobody's: a wrong guess texts a stranger.
 */
export function createPhoneNumbers(
  { defaultCountry }: { readonly defaultCountry: Country | null },
): PhoneNumbers {
  async function parse(text: string, country?: Country): Promise<PhoneNumber | null> {
    // The build that knows every form: by the smaller ones too much is valid. Loaded here, as only numbers need its 70 ms.
    const { default: parsePhoneNumber } = await import("libphonenumber-js/max");
    const parsed = parsePhoneNumber(text, {
      extract: false,
      ...(country !== undefined && { defaultCountry: country as CountryCode }),
    });
    return parsed === undefined || parsed.ext !== undefined || !parsed.isPossible() ? null : parsed;
  }

  async function national(text: string): Promise<PhoneNumber | null> {
    if (defaultCountry === null) return null;
    const parsed = await parse(text, defaultCountry);
    return parsed?.isValid() ? parsed : null;
  }

  /** "49 1512 3456789" is a line of its own in Germany too, though it was meant as a mobile, without the plus. */
  async function readNational(text: string): Promise<PhoneNumber | null> {
    const home = await national(text);
    if (home === null || isMobile(home)) return home;
    const withCode = await parse(`+${text.replace(/\D/g, "")}`);
    const isOfHome = withCode?.countryCallingCode === home.countryCallingCode;
    return isOfHome && withCode.isValid() && isMobile(withCode) ? withCode : home;
  }

  async function readBareDigits(digits: string): Promise<PhoneReading> {
    const abroad = await parse(`+${digits}`);
    const isForm = abroad !== null && (abroad.isValid() || NANP.test(abroad.number));
    const home = await national(digits);
    if (!isForm) return home === null ? nobodys("no-number") : number(home);
    if (home === null || home.number === abroad.number) return number(abroad);
    // A made-up number may have its form and be nobody's; a line in the wall gets no texts.
    if (!abroad.isValid()) return number(home);
    return isMobile(home) ? nobodys("two-countries") : number(abroad);
  }

  async function read(untrustedText: string): Promise<PhoneReading> {
    const text = phoneText(untrustedText)?.replace(/^\((\+\d{1,3})\)/, "$1 ");
    if (text === undefined) return nobodys("no-number");
    if (text.startsWith("+")) return number(await parse(text));
    if (tellsItsCountry(text)) return await readBareDigits(text);
    return defaultCountry === null ? nobodys("no-country") : number(await readNational(text));
  }

  async function toE164(untrustedText: string): Promise<string | null> {
    const reading = await read(untrustedText);
    return reading.kind === "number" ? reading.e164 : null;
  }

  return {
    read,
    toE164,
    async toSender(untrustedText) {
      const text = phoneText(untrustedText);
      return text !== null && SHORT_CODE.test(text) ? text : await toE164(untrustedText);
    },
    async spellings(number) {
      const digits = /^\+?(\d+)$/.exec(number)?.[1];
      if (digits === undefined) return [];
      const parsed = number.startsWith("+") ? await parse(number) : null;
      if (parsed === null) return [digits];
      const { countryCallingCode: code, nationalNumber } = parsed;
      // "+44 (0)20 …" is how many write their number for people abroad.
      const told = [digits, `${code}0${nationalNumber}`, `00${digits}`, `011${digits}`];
      // Texts that are read so by our country alone: elsewhere the same digits are somebody else's.
      for (const text of ["", "0", "1", "8"].map((prefix) => prefix + nationalNumber)) {
        if (await isTold(text, number)) told.push(text);
      }
      return [...new Set(told)];
    },
  };

  async function isTold(text: string, e164: string): Promise<boolean> {
    return defaultCountry !== null && await toE164(text) === e164;
  }
}

function isMobile(parsed: PhoneNumber): boolean {
  const type = parsed.getType();
  return type === "MOBILE" || type === "FIXED_LINE_OR_MOBILE";
}

function number(parsed: PhoneNumber | null): PhoneReading {
  return parsed === null ? nobodys("no-number") : { kind: "number", e164: parsed.number };
}

function nobodys(why: UnreadableNumber): PhoneReading {
  return { kind: "nobodys", why };
}
