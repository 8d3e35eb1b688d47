import assert from "node:assert/strict";
import { readableBody } from "../../../../services/sms/twilio/inbound_body.ts";

const base64 = (text: string) => new TextEncoder().encode(text).toBase64();
const LONG =
  "Good morning! I should like to know where my order is: it was promised for Monday. 🛎️";

Deno.test("IN-04 a long text in base64 is decoded", () => {
  for (const text of [LONG, `${LONG}\nThanks`, "добрый день, где мой заказ? ".repeat(4)]) {
    assert.equal(readableBody(base64(text)), text);
  }
});

for (
  const [what, body] of [
    ["words", LONG],
    ["a short text in base64, which no segment boundary explains", base64("Where is it? Tell me")],
    ["a word that is base64 by chance", "Telephone"],
    ["base64 of something that is not UTF-8", new Uint8Array(90).fill(0xff).toBase64()],
    ["base64 of control characters", base64(`\u0007${LONG}`)],
    ["base64 of a null byte", base64(`${LONG}\0`)],
    ["base64 of what has no words, such as a key", base64("x".repeat(90))],
    ["base64 that breaks off", base64(LONG).slice(0, -1)],
    ["base64 in lines", `${base64(LONG)}\n`],
    ["base64 in the URL's alphabet", base64(`${LONG}???>>>`).replaceAll("/", "_")],
    ["base64 with text behind it", `${base64(LONG)} see?`],
  ] as const
) {
  Deno.test(`IN-04 ${what} stays as it came`, () => {
    assert.equal(readableBody(body), body);
  });
}

Deno.test("IN-04 what has been decoded can be encoded again: nothing is lost", () => {
  const body = base64(LONG);
  assert.equal(base64(readableBody(body)), body);
});
