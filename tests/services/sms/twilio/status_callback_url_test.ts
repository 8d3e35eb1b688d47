import assert from "node:assert/strict";
import {
  readCallbackSubject,
  statusCallbackUrl,
} from "../../../../services/sms/twilio/status_callback_url.ts";

const SUBJECT = { deliveryId: "dlv_01_sms3", sessionId: "0000Na9B", part: 2, parts: 3 };

Deno.test("statusCallbackUrl() leads to PUBLIC_URL and names the part by our own ids", () => {
  assert.equal(
    statusCallbackUrl(new URL("https://edge.example:8443"), SUBJECT),
    "https://edge.example:8443/ingress/twilio/status" +
      "?delivery=dlv_01_sms3&session=0000Na9B&part=2&parts=3",
  );
});

Deno.test("what was written into the URL is read from it, also with odd session ids", () => {
  for (const sessionId of ["S1", "ü&=?#%2F'+ ", "a".repeat(128)]) {
    const subject = { ...SUBJECT, sessionId };
    const url = new URL(statusCallbackUrl(new URL("https://edge.example"), subject));
    assert.deepEqual(readCallbackSubject(url.searchParams), subject);
  }
});

for (
  const query of [
    "",
    "delivery=d&session=s",
    "delivery=d&session=s&part=1",
    "delivery=&session=s&part=1&parts=1",
    "delivery=d&session=&part=1&parts=1",
    "delivery=d&session=s&part=0&parts=1",
    "delivery=d&session=s&part=2&parts=1",
    "delivery=d&session=s&part=1.0&parts=1",
    "delivery=d&session=s&part=1&parts=101",
  ]
) {
  Deno.test(`the query ${JSON.stringify(query)} names no part`, () => {
    assert.equal(readCallbackSubject(new URLSearchParams(query)), null);
  });
}
