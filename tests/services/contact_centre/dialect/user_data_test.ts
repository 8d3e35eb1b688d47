import assert from "node:assert/strict";
import fc from "fast-check";
import {
  customerFromUserData,
  NO_NUMBER,
} from "../../../../services/contact_centre/dialect/user_data.ts";

/** Somebody's number was meant, and it cannot be read. */
const NOBODY = { phone: NO_NUMBER, sender: null };

const CUSTOMERS: readonly (readonly [why: string, userData: unknown, found: unknown])[] = [
  [
    "PhoneNumber before FromAddr before _smsSrcNumber",
    { _smsSrcNumber: "16501111113", FromAddr: "16501111112", PhoneNumber: "16501111111" },
    { phone: "16501111111", sender: null },
  ],
  [
    "FromAddr before _smsSrcNumber",
    { _smsSrcNumber: "16501111113", FromAddr: "16501111112" },
    { phone: "16501111112", sender: null },
  ],
  [
    "_smsSrcNumber last, and ToAddr before _smsDestNumber",
    { _smsSrcNumber: "16501111113", _smsDestNumber: "16502222223", ToAddr: "16502222222" },
    { phone: "16501111113", sender: "16502222222" },
  ],
  [
    "_smsDestNumber when there is no ToAddr",
    { PhoneNumber: "16501111111", _smsDestNumber: "16502222223" },
    { phone: "16501111111", sender: "16502222223" },
  ],
  [
    "the next key when one holds no number",
    { PhoneNumber: "anonymous", FromAddr: null, _smsSrcNumber: "16501111113", ToAddr: "" },
    { phone: "16501111113", sender: null },
  ],
  [
    "numbers, and texts made for people",
    { PhoneNumber: 16501111111, ToAddr: "+1 (650) 222-2222" },
    { phone: "16501111111", sender: "+1 (650) 222-2222" },
  ],
  [
    "a number as it was told, country or not",
    { PhoneNumber: " (650) 253-0000 ", ToAddr: "tel:+16502222222" },
    { phone: "(650) 253-0000", sender: "+16502222222" },
  ],
  [
    "a number that tells its country before one that does not",
    { PhoneNumber: "(650) 253-0000", FromAddr: "16502530000" },
    { phone: "16502530000", sender: null },
  ],
  [
    "the next key when one holds letters or two numbers",
    {
      PhoneNumber: "1-800-FLOWERS",
      FromAddr: "+16501111111, +16501111112",
      _smsSrcNumber: "16501111113",
    },
    { phone: "16501111113", sender: null },
  ],
  [
    "a short code as ours",
    { PhoneNumber: "16501111111", ToAddr: "12345" },
    { phone: "16501111111", sender: "12345" },
  ],
  ["no number in a short code of the customer's", { PhoneNumber: "12345" }, NOBODY],
  ["no number in more than 18 digits", { PhoneNumber: "1".repeat(19) }, NOBODY],
  ["no number with an extension", { PhoneNumber: "(650) 253-0000 x123" }, NOBODY],
  ["no number with letters", { FromAddr: "1-800-FLOWERS" }, NOBODY],
  ["no number in two", { _smsSrcNumber: "+16502530000, +16502530001" }, NOBODY],
  [
    "nothing where no number was meant",
    { PhoneNumber: "anonymous", FromAddr: "-", ToAddr: "x1" },
    null,
  ],
  [
    "nothing in what is neither text nor whole number",
    { PhoneNumber: 1650.5, FromAddr: ["1650"] },
    null,
  ],
  ["no sender in what is no number", { PhoneNumber: "16501111111", ToAddr: "123 456 ext. 7" }, {
    phone: "16501111111",
    sender: null,
  }],
  ["nothing when only our number is there", { ToAddr: "16502222222" }, null],
  ["nothing in an empty object", {}, null],
  ["nothing in null", null, null],
  ["nothing in a text", "16501111111", null],
  ["nothing in an inherited key", Object.create({ PhoneNumber: "16501111111" }), null],
];

for (const [why, userData, found] of CUSTOMERS) {
  Deno.test(`customerFromUserData() takes ${why}`, () => {
    assert.deepEqual(customerFromUserData(userData), found);
  });
}

Deno.test("customerFromUserData() throws at nothing and gives only digits and signs, or says that there are none", () => {
  const keys = ["PhoneNumber", "FromAddr", "_smsSrcNumber", "ToAddr", "_smsDestNumber"];
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...keys), fc.anything()), (userData) => {
      const found = customerFromUserData(userData);
      if (found !== null && found.phone !== NO_NUMBER) {
        assert.match(found.phone, /^\(?\+?[\d\s().\-/]+$/);
      }
    }),
  );
});
