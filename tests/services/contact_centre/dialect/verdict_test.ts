import assert from "node:assert/strict";
import { judgeAnswer } from "../../../../services/contact_centre/dialect/verdict.ts";

const ROWS: readonly (readonly [string, number, string, "success" | "refused"])[] = [
  ["statusCode 0", 200, '{"statusCode":0}', "success"],
  ["statusCode 0 with more", 200, '{ "referenceId":35, "statusCode":0 }\n', "success"],
  ["statusCode 0 after a byte order mark", 200, '\ufeff{"statusCode":0}', "success"],
  ["statusCode 0 under an HTTP error", 500, '{"statusCode":0}', "success"],
  ["statusCode 2 under 200", 200, '{"statusCode":2,"statusMessage":"no"}', "refused"],
  ["partial success, 7", 200, '{"statusCode":7}', "refused"],
  ["statusCode as text", 200, '{"statusCode":"0"}', "refused"],
  ["statusCode null", 200, '{"statusCode":null}', "refused"],
  ["no statusCode", 200, "{}", "refused"],
  ["an array", 200, '[{"statusCode":0}]', "refused"],
  ["null", 200, "null", "refused"],
  ["an empty body", 204, "", "refused"],
  ["HTML", 200, "<html>Log in</html>", "refused"],
  ["a redirect, whatever it carries", 302, '{"statusCode":0}', "refused"],
];

for (const [name, status, text, verdict] of ROWS) {
  Deno.test(`judgeAnswer() takes ${name} for ${verdict}`, () => {
    assert.equal(judgeAnswer(status, new TextEncoder().encode(text)), verdict);
  });
}

Deno.test("judgeAnswer() takes bytes that are not text for refused", () => {
  assert.equal(judgeAnswer(200, new Uint8Array([0xff, 0xfe, 0x00])), "refused");
});
