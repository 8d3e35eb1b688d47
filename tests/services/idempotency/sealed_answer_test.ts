import assert from "node:assert/strict";
import {
  type KeptAnswer,
  openAnswer,
  sealAnswer,
} from "../../../services/idempotency/sealed_answer.ts";

const SCOPE = '["agent-1","S1","/api/v2/me/smssessions/S1","order-17"]';
const UNDER = { scope: SCOPE, salt: "c7f1d2c0-6a39-4b52-9d3e-0a4c1f6f2b11" };

const ANSWER: KeptAnswer = {
  status: 504,
  headers: [["content-type", "application/json"], ["retry-after", "7"]],
  body: new TextEncoder().encode('{"statusMessage":"zebra"}'),
};

// The second is no UTF-8: a body is bytes.
for (const body of [ANSWER.body, new Uint8Array([0, 255, 254, 123]), new Uint8Array()]) {
  Deno.test(`openAnswer() gives back what was sealed, a body of ${body.length} bytes too`, async () => {
    const answer = { ...ANSWER, body };
    assert.deepEqual(await openAnswer(await sealAnswer(answer, UNDER), UNDER), answer);
  });
}

Deno.test("sealAnswer() leaves nothing of the answer to be read", async () => {
  const sealed = await sealAnswer(ANSWER, UNDER);
  const bytes = String.fromCharCode(...Uint8Array.fromBase64(sealed));
  for (const text of ["zebra", btoa("zebra").slice(0, 6), "statusMessage", "retry-after"]) {
    assert.ok(!sealed.includes(text) && !bytes.includes(text), text);
  }
});

for (const change of [{ scope: SCOPE.replace("17", "18") }, { salt: "another" }]) {
  Deno.test(`openAnswer() needs the same ${Object.keys(change).join()}`, async () => {
    const sealed = await sealAnswer(ANSWER, UNDER);
    await assert.rejects(openAnswer(sealed, { ...UNDER, ...change }));
    assert.notEqual(await sealAnswer(ANSWER, { ...UNDER, ...change }), sealed);
  });
}

Deno.test("openAnswer() refuses what was changed or cut", async () => {
  const bytes = Uint8Array.fromBase64(await sealAnswer(ANSWER, UNDER));
  const flipped = bytes.with(20, (bytes[20] ?? 0) ^ 1);
  for (const wrong of [flipped, bytes.slice(0, -1), bytes.slice(0, 8), new Uint8Array()]) {
    await assert.rejects(openAnswer(wrong.toBase64(), UNDER));
  }
});
