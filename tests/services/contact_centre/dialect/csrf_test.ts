import assert from "node:assert/strict";
import { isCsrfRefusal } from "../../../../services/contact_centre/dialect/csrf.ts";

const bodies: [string, number, boolean][] = [
  ["Missing or invalid Csrf token", 403, true],
  ['{"statusCode":3,"statusMessage":"Missing or invalid Csrf token"}', 403, true],
  ["<html><body><h2>HTTP ERROR 403</h2><pre>    missing or invalid\nCSRF token</pre>", 403, true],
  ['{"error":"invalid_csrf_token"}', 403, true],
  ["Missing or invalid Csrf token", 401, false],
  ["Missing or invalid Csrf token", 200, false],
  ['{"statusCode":5,"statusMessage":"User lacks permission"}', 403, false],
  ["", 403, false],
];
for (const [text, status, expected] of bodies) {
  Deno.test(`isCsrfRefusal() says ${expected} to ${status} ${JSON.stringify(text)}`, () => {
    assert.equal(isCsrfRefusal({ status, body: new TextEncoder().encode(text) }), expected);
  });
}
