import assert from "node:assert/strict";
import {
  fieldsOf,
  MAX_MEDIA,
  type OwnAccount,
  readInboundText,
  readStatusReport,
} from "../../../../services/sms/twilio/form.ts";
import {
  ACCOUNT_SID,
  CUSTOMER,
  inboundFields,
  OWN_NUMBER,
  statusFields,
} from "../../../support/twilio_requests.ts";

const SERVICE = `MG${"0123456789abcdef".repeat(2)}`;
const byNumber = { accountSid: ACCOUNT_SID, sender: { from: OWN_NUMBER } };
const byService = { accountSid: ACCOUNT_SID, sender: { messagingServiceSid: SERVICE } };

const formOf = (fields: Record<string, string>) => new URLSearchParams(fields);

/** Each: what is changed, and why it is refused; null: it is taken. */
const INBOUND: readonly (readonly [Record<string, string | undefined>, string | null])[] = [
  [{}, null],
  [{ MessageSid: `MM${"f".repeat(32)}` }, null],
  [{ From: "12345" }, null],
  [{ Body: "" }, null],
  [{ AFieldOfTomorrow: "x" }, null],
  [{ AccountSid: ACCOUNT_SID.toUpperCase() }, null],
  [{ AccountSid: `AC${"f".repeat(32)}` }, "foreign"],
  [{ AccountSid: undefined }, "foreign"],
  [{ MessageSid: undefined }, "malformed"],
  [{ MessageSid: `CA${"f".repeat(32)}` }, "malformed"],
  [{ MessageSid: `SM${"F".repeat(32)}` }, "malformed"],
  [{ MessageSid: `SM${"f".repeat(33)}` }, "malformed"],
  [{ From: undefined }, "malformed"],
  [{ From: "whatsapp:+16501110001" }, "malformed"],
  [{ From: "16501110001" }, "malformed"],
  [{ From: "+0650111000" }, "malformed"],
  [{ From: "12" }, "malformed"],
  [{ From: "1234567" }, "malformed"],
  [{ From: `+${"1".repeat(16)}` }, "malformed"],
  [{ From: `${CUSTOMER}\n` }, "malformed"],
  [{ To: "" }, "malformed"],
  [{ Body: undefined }, "malformed"],
];

for (const [change, expected] of INBOUND) {
  const shown = JSON.stringify(change);
  Deno.test(`readInboundText() with ${shown} is ${expected ?? "taken"}`, () => {
    const reading = readInboundText(formOf(inboundFields(change)), byNumber);
    assert.equal(reading.ok ? null : reading.reason, expected);
    if (!reading.ok) assert.ok(!reading.message.includes("+1"), reading.message);
  });
}

const isToConfigured = (own: OwnAccount, change: Record<string, string | undefined>) => {
  const reading = readInboundText(formOf(inboundFields(change)), own);
  return reading.ok && reading.value.isToConfiguredSender;
};

Deno.test("a text is to the configured sender at TWILIO_FROM, and at no other number", () => {
  assert.ok(isToConfigured(byNumber, {}));
  assert.ok(!isToConfigured(byNumber, { To: "+15550100001" }));
  assert.ok(!isToConfigured(byNumber, { To: "+15550100001", MessagingServiceSid: SERVICE }));
});

Deno.test("every number behind our messaging service is the configured sender, no other service's is", () => {
  const taken = (change: Record<string, string | undefined>) => isToConfigured(byService, change);
  assert.ok(taken({ MessagingServiceSid: SERVICE }));
  assert.ok(taken({ MessagingServiceSid: SERVICE, To: "+15550100077" }));
  assert.ok(taken({ MessagingServiceSid: SERVICE, To: "24680" }));
  assert.ok(!taken({ MessagingServiceSid: `MG${"f".repeat(32)}` }));
  assert.ok(!taken({ MessagingServiceSid: undefined }));
});

Deno.test("a field that comes twice refuses the form, whichever it is and whatever it says", () => {
  for (const name of ["Body", "From", "AFieldOfTomorrow"]) {
    const form = formOf(inboundFields({ AFieldOfTomorrow: "x" }));
    form.append(name, form.get(name) ?? "");
    const reading = readInboundText(form, byNumber);
    assert.equal(reading.ok ? null : reading.reason, "malformed", name);
  }
});

Deno.test("media are told with their types, ten at most, however many NumMedia claims", () => {
  const media = Object.fromEntries(
    Array.from(
      { length: 12 },
      (_, index) => [`MediaUrl${index}`, `https://media.example/${index}`],
    ),
  );
  const fields = inboundFields({ ...media, MediaContentType0: "image/png", NumMedia: "3" });
  const reading = readInboundText(formOf(fields), byNumber);
  assert.ok(reading.ok);
  assert.equal(reading.value.media.length, MAX_MEDIA);
  assert.deepEqual(reading.value.media.slice(0, 2), [
    { url: "https://media.example/0", contentType: "image/png" },
    { url: "https://media.example/1", contentType: null },
  ]);
  assert.equal(reading.value.mediaLeftOut, 2);
});

Deno.test("OptOutType is one of Twilio's three or none", () => {
  const typeOf = (OptOutType: string | undefined) => {
    const reading = readInboundText(formOf(inboundFields({ OptOutType })), byNumber);
    return reading.ok ? reading.value.optOutType : "refused";
  };
  assert.deepEqual(["STOP", "START", "HELP", "stop", undefined].map(typeOf), [
    "STOP",
    "START",
    "HELP",
    null,
    null,
  ]);
});

Deno.test("fieldsOf() keeps blank values, repeated ones and a field named __proto__", () => {
  const fields = fieldsOf(new URLSearchParams("a=&b=1&b=1&b=2&__proto__=x&c"));
  assert.deepEqual(Object.entries(fields), [
    ["a", ""],
    ["b", ["1", "1", "2"]],
    ["__proto__", "x"],
    ["c", ""],
  ]);
});

/** Each: what is changed, and what is read; null: it is refused. */
const REPORTS: readonly (readonly [
  Record<string, string | undefined>,
  { status: string; errorCode: number | null; to: string | null; from: string | null } | null,
])[] = [
  [{}, { status: "delivered", errorCode: null, to: CUSTOMER, from: OWN_NUMBER }],
  [{ MessageStatus: "undelivered", ErrorCode: "30003" }, {
    status: "undelivered",
    errorCode: 30003,
    to: CUSTOMER,
    from: OWN_NUMBER,
  }],
  [{ ErrorCode: "0" }, { status: "delivered", errorCode: null, to: CUSTOMER, from: OWN_NUMBER }],
  [{ ErrorCode: "x" }, { status: "delivered", errorCode: null, to: CUSTOMER, from: OWN_NUMBER }],
  [{ From: undefined, To: undefined }, {
    status: "delivered",
    errorCode: null,
    to: null,
    from: null,
  }],
  [{ From: "Shop Ltd" }, { status: "delivered", errorCode: null, to: CUSTOMER, from: null }],
  [{ From: "+15550100099" }, {
    status: "delivered",
    errorCode: null,
    to: CUSTOMER,
    from: "+15550100099",
  }],
  [{ MessageStatus: undefined, SmsStatus: "sent" }, {
    status: "sent",
    errorCode: null,
    to: CUSTOMER,
    from: OWN_NUMBER,
  }],
  [{ MessageStatus: undefined, SmsStatus: undefined }, null],
  [{ To: "nobody" }, null],
  [{ AccountSid: `AC${"f".repeat(32)}` }, null],
  [{ MessageSid: "SM1" }, null],
];

for (const [change, expected] of REPORTS) {
  Deno.test(`readStatusReport() with ${JSON.stringify(change)}`, () => {
    const reading = readStatusReport(formOf(statusFields(change)), byNumber);
    const read = reading.ok ? reading.value : null;
    assert.deepEqual(
      read && {
        status: read.untrustedStatus,
        errorCode: read.errorCode,
        to: read.to,
        from: read.from,
      },
      expected,
    );
  });
}
