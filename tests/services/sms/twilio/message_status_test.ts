import assert from "node:assert/strict";
import { messageStatus } from "../../../../services/sms/twilio/message_status.ts";

for (
  const unknown of ["", "received", "receiving", "Delivered", "exploded", "toString", "__proto__"]
) {
  Deno.test(`ST-06 ${JSON.stringify(unknown)} is no status of a text of ours`, () => {
    assert.equal(messageStatus(unknown), null);
  });
}

for (
  const [word, status] of [
    ["accepted", "accepted"],
    ["scheduled", "accepted"],
    ["queued", "queued"],
    ["sending", "sending"],
    ["sent", "sent"],
    ["partially_delivered", "sent"],
    ["canceled", "canceled"],
    ["failed", "failed"],
    ["undelivered", "undelivered"],
    ["delivered", "delivered"],
    ["read", "read"],
  ] as const
) {
  Deno.test(`messageStatus() reads ${word} as ${status}`, () => {
    assert.equal(messageStatus(word), status);
  });
}
