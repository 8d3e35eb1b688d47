import assert from "node:assert/strict";
import {
  judgeAnswer,
  refusesState,
  type Verdict,
} from "../../../../services/contact_centre/dialect/verdict.ts";

const ROWS: readonly (readonly [string, number, string, Verdict])[] = [
  ["statusCode 0", 200, '{"statusCode":0}', "success"],
  ["statusCode 0 with more", 200, '{ "referenceId":35, "statusCode":0 }\n', "success"],
  ["statusCode 0 after a byte order mark", 200, '\ufeff{"statusCode":0}', "success"],
  ["statusCode 0 under an HTTP error", 500, '{"statusCode":0}', "success"],
  ["statusCode 2 under 200", 200, '{"statusCode":2,"statusMessage":"no"}', "refused"],
  ["statusCode 2 under an HTTP error", 500, '{"statusCode":2}', "refused"],
  ["statusCode 6 under 404", 404, '{"statusCode":6}', "refused"],
  ["a missing permission, 5", 403, '{"statusCode":5}', "refused"],
  ["a password that is to be changed, 8", 200, '{"statusCode":8}', "refused"],
  ["a statusCode that nobody knows", 200, '{"statusCode":99}', "unsure"],
  ["a statusCode below 0", 200, '{"statusCode":-1}', "unsure"],
  ["partial success, 7", 200, '{"statusCode":7}', "unsure"],
  ["an internal error, 4", 500, '{"statusCode":4,"statusMessage":"Internal error"}', "unsure"],
  ["an internal error, 4, under 200", 200, '{"statusCode":4}', "unsure"],
  ["incomplete processing, 9", 200, '{"statusCode":9}', "unsure"],
  ["a resource that cannot be had, 12", 500, '{"statusCode":12}', "unsure"],
  ["a resource that cannot be changed, 15", 500, '{"statusCode":15}', "unsure"],
  ["statusCode as text", 200, '{"statusCode":"0"}', "unsure"],
  ["statusCode null", 200, '{"statusCode":null}', "unsure"],
  ["no statusCode", 200, "{}", "unsure"],
  ["an array", 200, '[{"statusCode":0}]', "unsure"],
  ["null", 200, "null", "unsure"],
  ["an empty body", 204, "", "unsure"],
  ["HTML", 200, "<html>Log in</html>", "unsure"],
  ["half of a JSON text", 200, '{"statusCode"', "unsure"],
  ["a 503 without a statusCode", 503, "<html>Unavailable</html>", "unsure"],
  ["a gateway's 502", 502, "<html>Bad gateway</html>", "lost"],
  ["a gateway's 504", 504, "", "lost"],
  ["a crash", 500, "<html>Error</html>", "lost"],
  ["an unknown 5xx", 599, "{}", "lost"],
  ["a 401 without a statusCode", 401, "", "refused"],
  ["a 403 without a statusCode", 403, "Missing or invalid Csrf token", "refused"],
  ["a 404 without a statusCode", 404, "<html>Not found</html>", "refused"],
  ["a 429 without a statusCode", 429, "", "refused"],
  ["a redirect, whatever it carries", 302, '{"statusCode":0}', "unsure"],
  ["a proxy's 408", 408, "Request timeout", "lost"],
  ["a proxy's 499", 499, "", "lost"],
];

for (const [name, status, text, verdict] of ROWS) {
  Deno.test(`judgeAnswer() takes ${name} for ${verdict}`, () => {
    assert.equal(judgeAnswer(status, new TextEncoder().encode(text)), verdict);
  });
}

Deno.test("judgeAnswer() takes bytes that are not text for unsure", () => {
  assert.equal(judgeAnswer(200, new Uint8Array([0xff, 0xfe, 0x00])), "unsure");
});

for (
  const [text, status, refuses] of [
    ['{"statusCode":2}', 200, true],
    ['{"statusCode":3}', 403, true],
    ['{"statusCode":6}', 404, true],
    ['{"statusCode":18}', 409, true],
    ['{"statusCode":19}', 409, true],
    ['{"statusCode":1}', 400, false],
    ['{"statusCode":20}', 401, false],
    ['{"statusCode":4}', 500, false],
    ['{"statusCode":0}', 200, false],
    ['{"statusCode":2}', 302, false],
    ["", 404, false],
  ] as const
) {
  Deno.test(`refusesState() says ${refuses} to ${status} ${text}`, () => {
    assert.equal(refusesState({ status, body: new TextEncoder().encode(text) }), refuses);
  });
}
