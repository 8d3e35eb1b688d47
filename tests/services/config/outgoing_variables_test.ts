import assert from "node:assert/strict";
import {
  configOf,
  read,
  SERVICE_SID,
  SMS,
  testRefused,
  testTaken,
  wrongTexts,
} from "./environment.ts";

Deno.test("readConfig() leaves SMS off when only a sender is set", () => {
  assert.equal(configOf(read({ TWILIO_FROM: "+15550100000" })).sms, null);
});

Deno.test("readConfig() limits each sender to 20 segments a second unless told otherwise", () => {
  assert.deepEqual(configOf(read(SMS)).sms?.rateLimit, { perSecond: 20, burst: 40 });
  assert.equal(configOf(read({ ...SMS, SMS_RATE_LIMIT: "off" })).sms?.rateLimit, null);
});

testTaken([
  ["a short code as sender", { ...SMS, TWILIO_FROM: "12345" }],
  ["the longest retry ladder", { WEBHOOK_RETRY_S: Array(30).fill("604800").join() }],
]);

testRefused([
  ...wrongTexts(
    "WEBHOOK_RETRY_S",
    ["5,", "-1", "604801", "1e3", ".5", "5;6", Array(31).fill("1").join()],
    "1 to 30 numbers of seconds from 0 to 604800, separated by commas",
  ),
  ...wrongTexts("WEBHOOK_TIMEOUT_MS", ["99", "120001"], "an integer from 100 to 120000"),
  ...wrongTexts(
    "EGRESS_ALLOW",
    ["10.0.0.0/8,https://hooks.example", "10.0.0.0/8,,::1"],
    "CIDRs, addresses, host names or *.suffixes, without scheme or port, separated by commas",
  ),
  ...wrongTexts(
    "SMS_RATE_LIMIT",
    ["20", "0/s", "1/m"],
    "off or a rate such as 50/s, from 1/s to 100000/s",
    SMS,
  ),
  ...wrongTexts("TWILIO_ACCOUNT_SID", ["AC123"], "AC and 32 hexadecimal digits", SMS),
  ...wrongTexts(
    "TWILIO_FROM",
    ["15550100000", "+05550100000", "+1555010000000000", "12", "1234567", "ACME"],
    "an E.164 number such as +15550100000, or a short code of 3 to 6 digits",
    SMS,
  ),
  [
    { ...SMS, TWILIO_AUTH_TOKEN: "" },
    "Cannot use TWILIO_ACCOUNT_SID without TWILIO_AUTH_TOKEN: expected both",
  ],
  [
    { ...SMS, TWILIO_ACCOUNT_SID: "" },
    "Cannot use TWILIO_AUTH_TOKEN without TWILIO_ACCOUNT_SID: expected both",
  ],
  [
    { ...SMS, PUBLIC_URL: "" },
    "Cannot use SMS without PUBLIC_URL: expected an http or https origin such as " +
    "https://host.example, without path or credentials",
  ],
  [
    { ...SMS, TWILIO_FROM: "" },
    "Cannot use SMS with neither of TWILIO_FROM and TWILIO_MESSAGING_SERVICE_SID: expected exactly one",
  ],
  [
    { ...SMS, TWILIO_MESSAGING_SERVICE_SID: SERVICE_SID },
    "Cannot use SMS with both of TWILIO_FROM and TWILIO_MESSAGING_SERVICE_SID: expected exactly one",
  ],
  [
    { ...SMS, TWILIO_FROM: "x", TWILIO_MESSAGING_SERVICE_SID: "MG1", TWILIO_ACCOUNT_SID: "x" },
    "Cannot use TWILIO_ACCOUNT_SID=x: expected AC and 32 hexadecimal digits",
    "Cannot use TWILIO_FROM=x: expected an E.164 number such as +15550100000, " +
    "or a short code of 3 to 6 digits",
    "Cannot use TWILIO_MESSAGING_SERVICE_SID=MG1: expected MG and 32 hexadecimal digits",
    "Cannot use SMS with both of TWILIO_FROM and TWILIO_MESSAGING_SERVICE_SID: expected exactly one",
  ],
]);
