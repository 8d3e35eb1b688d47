import assert from "node:assert/strict";
import {
  explainSmsError,
  KNOWN_SMS_ERROR_CODES,
  TWILIO_CODES,
} from "../../../../services/sms/twilio/codes.ts";

const EXPECTED:
  readonly (readonly [errorClass: string, action: string, codes: readonly number[]])[] = [
    ["A", "retry", [20429, 14107, 63017, 63018]],
    ["B", "hold", [21611, 30001, 30022]],
    ["C", "retry-later", [30003, 30008, 30017, 30410, 30500, 30020, 30021]],
    ["D", "look-up", [20500, 20503, 20504]],
    ["E", "fail", [21211, 21612, 21614, 21635, 30004, 30005, 30006, 30011]],
    ["F", "fail", [21610, 30007, 30038, 30610, 30640, 30450]],
    ["G", "fail", [21602, 21617, 21620, 21621, 21622, 21623, 30019, 30036, 30044]],
    ["H", "alert-operator", [
      ...[20003, 21212, 21603, 21604, 21606, 21608, 21609, 21408],
      ...[21701, 21702, 21703, 21704, 21705],
      ...[30002, 30010, 30018, 30024, 30032, 30034],
    ]],
    ["I", "wait-a-day", [30023, 30027]],
  ];

for (const [errorClass, action, codes] of EXPECTED) {
  Deno.test(`explainSmsError() puts ${codes.length} codes into class ${errorClass}: ${action}`, () => {
    for (const code of codes) {
      const error = explainSmsError(code);
      assert.deepEqual([code, error.class, error.action], [code, errorClass, action]);
    }
  });
}

Deno.test("the table holds those codes, at least 50, and no others", () => {
  const expected = EXPECTED.flatMap(([, , codes]) => codes);
  assert.ok(expected.length >= 50);
  assert.deepEqual([...KNOWN_SMS_ERROR_CODES].sort(), expected.sort());
});

Deno.test("every code has a plain sentence of its own, short enough for a notice", () => {
  const sentences = KNOWN_SMS_ERROR_CODES.map((code) => explainSmsError(code).sentence);
  for (const sentence of sentences) {
    assert.match(sentence, /^[A-Z][^\n]{10,98}\.$/);
    assert.doesNotMatch(sentence.slice(0, -1), /\.\s|[{}<>]|\b\d{5}\b/, sentence);
  }
  assert.equal(new Set(sentences).size, sentences.length);
});

Deno.test("an unknown code is permanent and shown with its number", () => {
  const error = explainSmsError(39999);
  assert.deepEqual([error.class, error.action], ["unknown", "fail"]);
  assert.match(error.sentence, /39999/);
});

Deno.test("a refusal without a code is permanent and says so", () => {
  const error = explainSmsError(null);
  assert.deepEqual([error.class, error.action], ["unknown", "fail"]);
  assert.match(error.sentence, /no reason/);
});

const stopsSending = (code: number | null, httpStatus: number) =>
  explainSmsError(code, httpStatus).stopsSending;

Deno.test("what refuses the account stops sending, and nothing else does", () => {
  const stopping = KNOWN_SMS_ERROR_CODES.filter((code) => stopsSending(code, 400));
  assert.deepEqual(stopping, [20003, 30002]);
  assert.equal(stopsSending(null, 401), true);
  assert.equal(stopsSending(null, 403), false);
  assert.equal(stopsSending(21211, 401), false);
});

Deno.test("one code says that the customer has opted out", () => {
  const optedOut = KNOWN_SMS_ERROR_CODES.filter((code) => explainSmsError(code).optedOut);
  assert.deepEqual(optedOut, [21610]);
  assert.equal(explainSmsError(null).optedOut, false);
});

Deno.test("the codes that stand in where no answer names one are in the table", () => {
  assert.deepEqual(TWILIO_CODES, {
    optedOut: 21610,
    accountRefused: 20003,
    tooManyRequests: 20429,
  });
});
