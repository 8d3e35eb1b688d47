import assert from "node:assert/strict";
import { toE164, toSender } from "../../../services/sms/phone.ts";

const E164: readonly (readonly [raw: string, e164: string | null])[] = [
  ["16501111111", "+16501111111"],
  ["+16501111111", "+16501111111"],
  [" +1 (650) 111-1111 ", "+16501111111"],
  ["447911123456", "+447911123456"],
  ["+4915112345678", "+4915112345678"],
  ["+15005550006", "+15005550006"],
  ["12345", null], // a short code: nothing to send to
  ["650111111", null],
  ["(650) 111-1111", null], // national: which country's?
  ["+1650", null],
  ["+165011111111111", null],
  ["+999123456789", null],
  ["+16501111111 ext. 5", null],
  ["call +16501111111 now", null],
  ["PersonP", null],
  ["", null],
];

for (const [raw, e164] of E164) {
  Deno.test(`toE164() makes ${e164 ?? "nothing"} of ${JSON.stringify(raw)}`, async () => {
    assert.equal(await toE164(raw), e164);
  });
}

const SENDERS: readonly (readonly [raw: string, sender: string | null])[] = [
  ["123", "123"],
  [" 654321 ", "654321"],
  ["12", null],
  ["16502222222", "+16502222222"],
  ["+16502222222", "+16502222222"],
  ["Patchbay", null],
];

for (const [raw, sender] of SENDERS) {
  Deno.test(`toSender() makes ${sender ?? "nothing"} of ${JSON.stringify(raw)}`, async () => {
    assert.equal(await toSender(raw), sender);
  });
}
