import assert from "node:assert/strict";
import { createPhoneNumbers, type UnreadableNumber } from "../../../services/sms/phone.ts";

type Row = readonly [told: string, read: string, country?: string];

const noCountry: UnreadableNumber = "no-country";
const noNumber: UnreadableNumber = "no-number";
const twoCountries: UnreadableNumber = "two-countries";

// +1 650 111 1111 has the form of a number of North America and is nobody's, as in upstream's samples.
const READINGS: readonly Row[] = [
  // What upstream writes itself: bare digits, international.
  ["16501111111", "+16501111111"],
  ["16502530000", "+16502530000"],
  ["447911123456", "+447911123456"],
  ["4915112345678", "+4915112345678"],
  [" 16501111111 ", "+16501111111"],
  // With its plus a number says where it belongs, in whatever writing.
  ["+16501111111", "+16501111111"],
  ["+16502530000", "+16502530000", "DE"],
  [" +1 (650) 111-1111 ", "+16501111111"],
  ["+44 (0)20 7946 0000", "+442079460000"],
  ["(+1) 650.253.0000", "+16502530000"],
  ["+1 650\u2011253\u20110000", "+16502530000"],
  ["+4791234567", "+4791234567"],
  ["tel:+1-650-253-0000", "+16502530000"],
  ["TEL: +16502530000", "+16502530000"],
  ["sms:+16502530000", "+16502530000"],
  ["\u202a+16502530000\u202c", "+16502530000"],
  ["\u200e+1\u00a0650\u00a0253\u00a00000\ufeff", "+16502530000"],
  ["＋１６５０２５３００００", "+16502530000"],
  ["+١٦٥٠٢٥٣٠٠٠٠", "+16502530000"],
  ["+۱۶۵۰۲۵۳۰۰۰۰", "+16502530000"],
  ["+४४२०७९४६००००", "+442079460000"],
  ["+๑๖๕๐๒๕๓๐๐๐๐", "+16502530000"],
  // National, or too short to be sure: nobody's without a country.
  ["(650) 253-0000", noCountry],
  ["916-555-1234", noCountry],
  ["650 253 0000", noCountry],
  ["1 650 253 0000", noCountry],
  ["1-650-253-0000", noCountry],
  ["6502530000", noCountry],
  ["6581234567", noCountry],
  ["4791234567", noCountry],
  ["253-0000", noCountry],
  ["07911 123456", noCountry],
  ["07911123456", noCountry],
  ["0044 20 7946 0000", noCountry],
  ["00442079460000", noCountry],
  ["011442079460000", noCountry],
  ["６５０２５３００００", noCountry],
  ["٦٥٠٢٥٣٠٠٠٠", noCountry],
  ["tel:650-253-0000", noCountry],
  ["12345", noCountry],
  // Eleven digits that are a mobile at home and have no form abroad.
  ["11987654321", noNumber],
  ["31987654321", noNumber],
  // With a country: by its rules.
  ["(650) 253-0000", "+16502530000", "US"],
  ["916-555-1234", "+19165551234", "US"],
  ["6502530000", "+16502530000", "US"],
  ["1 650 253 0000", "+16502530000", "US"],
  ["１-650-253-0000", "+16502530000", "US"],
  ["011 44 20 7946 0000", "+442079460000", "US"],
  ["07911 123456", "+447911123456", "GB"],
  ["07911123456", "+447911123456", "GB"],
  ["00 1 650 253 0000", "+16502530000", "GB"],
  ["030/123456", "+4930123456", "DE"],
  ["0151 12345678", "+4915112345678", "DE"],
  ["06 12 34 56 78", "+33612345678", "FR"],
  // With the calling code of home and without its plus, also where the whole is a line of its own.
  ["44 7911 123456", "+447911123456", "GB"],
  ["49 1512 3456789", "+4915123456789", "DE"],
  ["62 812 345 678", "+62812345678", "ID"],
  ["49151/23456789", "+4915123456789", "DE"],
  ["04915 123456", "+494915123456", "DE"],
  ["8123 4567", "+6581234567", "SG"],
  ["6581234567", "+6581234567", "SG"],
  ["4791234567", "+4791234567", "NO"],
  ["13812345678", "+8613812345678", "CN"],
  ["(11) 98765-4321", "+5511987654321", "BR"],
  ["11987654321", "+5511987654321", "BR"],
  ["89161234567", "+79161234567", "RU"],
  // Valid there, not merely possible.
  ["(650) 111-1111", noNumber, "US"],
  ["(111) 253-0000", noNumber, "US"],
  ["253-0000", noNumber, "US"],
  ["(650) 253-0000", noNumber, "GB"],
  ["911", noNumber, "US"],
  ["0044 20 7946 0000", noNumber, "US"],
  // What upstream writes itself stays what it is.
  ["16501111111", "+16501111111", "US"],
  ["16501111111", "+16501111111", "DE"],
  ["16502530000", "+16502530000", "GB"],
  ["447911123456", "+447911123456", "US"],
  ["4915112345678", "+4915112345678", "DE"],
  ["4366412345678", "+4366412345678", "DE"],
  // One person's abroad and another's mobile at home.
  ["13012345678", twoCountries, "CN"],
  ["51987654321", twoCountries, "BR"],
  // No number, or more than one.
  ["+650111111111111111", noNumber],
  ["+1650", noNumber],
  ["+165011111111111", noNumber],
  ["+999123456789", noNumber],
  ["+16501111111 ext. 5", noNumber],
  ["+16502530000x12", noNumber],
  ["+16502530000;ext=12", noNumber],
  ["+16502530000,12", noNumber],
  ["(650) 253-0000 x12", noNumber, "US"],
  ["1-800-FLOWERS", noNumber, "US"],
  ["call +16501111111 now", noNumber],
  ["+16502530000 +16502530001", noNumber],
  ["+16502530000/1", noNumber],
  ["6502530000, 6502530001", noNumber, "US"],
  ["6502530000/6502530001", noNumber, "US"],
  ["tel:253-0000;phone-context=+1-650", noNumber, "US"],
  ["++16502530000", noNumber],
  ["whatsapp:+16502530000", noNumber],
  ["PersonP", noNumber],
  ["?", noNumber],
  ["?", noNumber, "US"],
  ["+", noNumber],
  ["", noNumber],
  ["1".repeat(5_000), noNumber],
];

for (const [told, read, country] of READINGS) {
  const where = country === undefined ? "" : ` in ${country}`;
  Deno.test(`${JSON.stringify(told.slice(0, 40))}${where} is ${read}`, async () => {
    const reading = await createPhoneNumbers({ defaultCountry: country ?? null }).read(told);
    assert.equal(reading.kind === "number" ? reading.e164 : reading.why, read);
  });
}

const SENDERS: readonly (readonly [raw: string, sender: string | null, country?: string])[] = [
  ["123", "123"],
  [" 654321 ", "654321"],
  ["12", null],
  ["16502222222", "+16502222222"],
  ["+16502222222", "+16502222222"],
  ["(650) 222-2222", null],
  ["(650) 222-2222", "+16502222222", "US"],
  ["Patchbay", null],
];

for (const [raw, sender, country] of SENDERS) {
  const where = country === undefined ? "" : ` in ${country}`;
  Deno.test(`toSender() makes ${sender ?? "nothing"} of ${JSON.stringify(raw)}${where}`, async () => {
    const { toSender } = createPhoneNumbers({ defaultCountry: country ?? null });
    assert.equal(await toSender(raw), sender);
  });
}

const SPELLINGS: readonly (readonly [number: string, country: string | null, told: string[]])[] = [
  ["+442079460000", null, [
    "442079460000",
    "4402079460000",
    "00442079460000",
    "011442079460000",
  ]],
  ["+16502530000", "US", [
    "16502530000",
    "106502530000",
    "0016502530000",
    "01116502530000",
    "6502530000",
  ]],
  ["+447911123456", "GB", [
    "447911123456",
    "4407911123456",
    "00447911123456",
    "011447911123456",
    "7911123456",
    "07911123456",
  ]],
  ["24680", "US", ["24680"]],
  ["Shop 24", "US", []],
  ["whatsapp:+16502530000", "US", []],
  ["rcs:shop_1", null, []],
];

for (const [number, country, told] of SPELLINGS) {
  Deno.test(`${number} may have been told as ${told.join(", ") || "nothing"}`, async () => {
    const { spellings } = createPhoneNumbers({ defaultCountry: country });
    assert.deepEqual(await spellings(number), told);
  });
}
