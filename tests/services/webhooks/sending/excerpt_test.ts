import assert from "node:assert/strict";
import { excerptOf, MAX_EXCERPT_BYTES } from "../../../../services/webhooks/sending/excerpt.ts";

const PASSWORD = 'gate/way&"pass+word"<1>';
const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("an answer is kept as far as the first 4 KiB of it", () => {
  assert.equal(excerptOf(bytes("fine"), {}), "fine");
  assert.equal(excerptOf(bytes("x".repeat(5_000)), {}), "x".repeat(MAX_EXCERPT_BYTES));
  assert.equal(excerptOf(bytes("é".repeat(4_000)), {}).length, MAX_EXCERPT_BYTES / 2);
});

Deno.test("an excerpt never ends within a character", () => {
  const text = `x${"é".repeat(MAX_EXCERPT_BYTES)}`;
  assert.equal(excerptOf(bytes(text), {}), `x${"é".repeat(MAX_EXCERPT_BYTES / 2 - 1)}`);
});

const basic = bytes(`user:${PASSWORD}`).toBase64();
const SPELLINGS: readonly [string, Readonly<Record<string, string>>, string, string][] = [
  ["as it is", { "x-key": PASSWORD }, `got ${PASSWORD}!`, "got ***!"],
  ["in a URL", { "x-key": PASSWORD }, `?k=${encodeURIComponent(PASSWORD)}&`, "?k=***&"],
  ["in JSON", { "x-key": PASSWORD }, JSON.stringify({ k: PASSWORD }), '{"k":"***"}'],
  ["in base64", { "x-key": PASSWORD }, `<${bytes(PASSWORD).toBase64()}>`, "<***=>"],
  ["in HTML", { "x-key": "pass&word<1>" }, "<b>pass&amp;word&lt;1&gt;</b>", "<b>***</b>"],
  ["with its scheme", { authorization: "Bearer abcdefgh1234" }, "Bearer abcdefgh1234", "***"],
  ["without its scheme", { authorization: "Bearer abcdefgh1234" }, "abcdefgh1234", "***"],
  ["as a Basic pair", { authorization: `Basic ${basic}` }, `basic ${basic}`, "basic ***"],
  ["decoded from a Basic pair", { authorization: `Basic ${basic}` }, `<user:${PASSWORD}>`, "<***>"],
  ["as the password of a Basic pair", { authorization: `Basic ${basic}` }, PASSWORD, "***"],
];

for (const [spelled, headers, answer, kept] of SPELLINGS) {
  Deno.test(`a gateway's secret that comes back ${spelled} is not kept`, () => {
    assert.equal(excerptOf(bytes(answer), headers), kept);
  });
}

Deno.test("wherever a cut goes through a secret nothing of it is kept", () => {
  const secret = "0123456789abcdefghijklmnopqrstuv";
  for (let ahead = MAX_EXCERPT_BYTES - 40; ahead <= MAX_EXCERPT_BYTES + 2; ahead++) {
    const kept = excerptOf(bytes(`${".".repeat(ahead)}${secret} and more`), { "x-key": secret });
    assert.ok(!kept.includes("0123"), `${ahead}: ${kept.slice(-40)}`);
  }
});

Deno.test("where reading has ended within a secret nothing of it is kept", () => {
  const secret = "0123456789abcdefghijklmnopqrstuv";
  for (let read = 4; read < secret.length; read++) {
    // The masks of those before it make the text short, so that the end of what was read is not cut off.
    const answer = `${secret.repeat(400)}${secret.slice(0, read)}`;
    assert.ok(!excerptOf(bytes(answer), { "x-key": secret }).includes("0123"), `${read}`);
  }
});

Deno.test("what is too short to be a secret is left as it is", () => {
  assert.equal(excerptOf(bytes("yes, fine"), { "x-key": "yes" }), "yes, fine");
});
