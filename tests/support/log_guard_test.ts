import assert from "node:assert/strict";
import { personalIn } from "./log_guard.ts";
import { createTestKey } from "../../simulator/kit/tokens.ts";

const PERSONAL: readonly (readonly [string, string])[] = [
  ['{"to":"+12025550123"}', "a phone number"],
  ['{"detail":"no route to +12025550123."}', "a phone number"],
  ['{"to":"12025550123"}', "a phone number"],
  ['{"phone":12025550123}', "a phone number"],
  ['{"to":"tel 491701234567 x"}', "a phone number"],
  [`{"token":"${await (await createTestKey()).sign()}"}`, "a JWT"],
  ['{"header":"Bearer notifications-of-a-test"}', "credentials"],
  ['{"header":"basic am9obi5kb2U6am9obg=="}', "credentials"],
  ['{"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}', "a webhook's secret"],
  ['{"url":"redis://default:hunter2@cache:6379"}', "credentials in a URL"],
];

for (const [line, expected] of PERSONAL) {
  Deno.test(`personalIn() finds ${expected} in ${line.slice(0, 40)}`, () => {
    assert.equal(personalIn(line), expected);
  });
}

const HARMLESS: readonly string[] = [
  '{"to":"…0123"}',
  '{"sessionId":"0071023821aec011","id":"0000Na9B26EF002X"}',
  '{"eventId":"evt_01KB0Y0Q7V0000000000000001"}',
  '{"messageSid":"SM00000000000000000000000000000001"}',
  '{"requestId":"0b3f2c1e-1234-4123-8123-123456789012"}',
  '{"time":"2026-11-22T10:00:00.000Z","durationMs":12}',
  '{"untilMs":1795341600000}',
  '{"url":"http://127.0.0.1:45123/hooks","store":"redis"}',
  '{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}',
  '{"problem":"unauthenticated","detail":"expected a bearer token"}',
];

for (const line of HARMLESS) {
  Deno.test(`personalIn() finds nothing in ${line}`, () => assert.equal(personalIn(line), null));
}
