import assert from "node:assert/strict";
import {
  fieldsOf,
  MAX_MEDIA,
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
const byNumber = { accountSid: ACCOUNT_SID };

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
  // Whatever sender Twilio knows, and whatever of ours was texted.
  [{ From: "whatsapp:+16501110001", To: "whatsapp:+15550100000" }, null],
  [{ From: "whatsapp:+16501110001", Body: undefined }, null],
  [{ From: "rcs:+16501110001", To: "rcs:shop_a1b2c3_agent" }, null],
  [{ To: "rcs:1234shop_agent" }, null],
  [{ From: "messenger:1234567890" }, null],
  [{ From: "Shop Ltd" }, null],
  [{ From: "24seven" }, null],
  [{ From: "nobody" }, null],
  [{ From: "Grüße&Co" }, null],
  [{ From: "16501110001" }, null],
  [{ From: "+0650111000" }, null],
  [{ From: "12" }, null],
  [{ From: "1234567" }, null],
  [{ To: "+15550100001" }, null],
  [{ To: "+15550100001", MessagingServiceSid: `MG${"f".repeat(32)}` }, null],
  [{ To: "24680", MessagingServiceSid: "nonsense" }, null],
  // What the signature does not rule out and Twilio does not send.
  [{ From: `${CUSTOMER}FromCityX` }, "malformed"],
  [{ From: `whatsapp:${CUSTOMER}MessageSid` }, "malformed"],
  [{ From: `${CUSTOMER}\n` }, "malformed"],
  [{ From: "" }, "malformed"],
  [{ From: " " }, "malformed"],
  [{ From: "x".repeat(321) }, "malformed"],
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

Deno.test("the messaging service is told where it is one", () => {
  const serviceOf = (MessagingServiceSid: string | undefined) => {
    const reading = readInboundText(formOf(inboundFields({ MessagingServiceSid })), byNumber);
    return reading.ok ? reading.value.messagingServiceSid : "refused";
  };
  assert.deepEqual([SERVICE, "", "MG1", undefined].map(serviceOf), [SERVICE, null, null, null]);
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
  assert.deepEqual(["STOP", "START", "HELP", "stop", "Pause", "", undefined].map(typeOf), [
    "STOP",
    "START",
    "HELP",
    "STOP",
    null,
    null,
    null,
  ]);
});

Deno.test("fieldsOf() keeps blank values and a field named __proto__", () => {
  const fields = fieldsOf(new URLSearchParams("a=&__proto__=x&c"));
  assert.deepEqual(fields.ok && Object.entries(fields.value), [
    ["a", ""],
    ["__proto__", "x"],
    ["c", ""],
  ]);
});

for (const name of ["Body", "From", "AFieldOfTomorrow", "__proto__"]) {
  Deno.test(`fieldsOf() refuses a form in which ${name} comes twice`, () => {
    const form = formOf(inboundFields({ [name]: "x" }));
    form.append(name, "x");
    const read = fieldsOf(form);
    assert.ok(!read.ok);
    assert.equal(read.reason, "malformed");
    assert.match(read.message, /every field once/);
  });
}

Deno.test("fieldsOf() takes 100 fields and looks at no more", () => {
  let taken = 0;
  function* fields(count: number): Generator<[string, string]> {
    for (; taken < count; taken++) yield [`field-${taken}`, ""];
  }
  assert.ok(fieldsOf(fields(100)).ok);
  taken = 0;
  const read = fieldsOf(fields(1_000));
  assert.ok(!read.ok && /at most 100 fields/.test(read.message));
  assert.ok(taken <= 101, `${taken} were looked at`);
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
  [{ From: "Shop Ltd" }, { status: "delivered", errorCode: null, to: CUSTOMER, from: "Shop Ltd" }],
  [{ From: "rcs:shop", To: `rcs:${CUSTOMER}` }, {
    status: "delivered",
    errorCode: null,
    to: `rcs:${CUSTOMER}`,
    from: "rcs:shop",
  }],
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
  [{ To: "" }, null],
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
