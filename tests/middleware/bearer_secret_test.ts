import assert from "node:assert/strict";
import { createBearerSecret } from "../../middleware/bearer_secret.ts";

const SECRET = "an-operators+secret/1";
const check = createBearerSecret(SECRET);

const headers: [string | undefined, ReturnType<typeof check>][] = [
  [`Bearer ${SECRET}`, "right"],
  [`bearer   ${SECRET}`, "right"],
  [`Bearer ${SECRET} `, "none"],
  [`Bearer ${SECRET}x`, "wrong"],
  [`Bearer ${SECRET.slice(0, -1)}`, "wrong"],
  [`Bearer ${SECRET.toUpperCase()}`, "wrong"],
  [`Bearer ${"x".repeat(30_000)}`, "wrong"],
  [`Bearer ${SECRET}, Bearer ${SECRET}`, "none"],
  ["Bearer ", "none"],
  ["Bearer", "none"],
  [`Basic ${SECRET}`, "none"],
  [SECRET, "none"],
  ["", "none"],
  [undefined, "none"],
];
for (const [header, verdict] of headers) {
  Deno.test(`createBearerSecret() says ${verdict} of ${header?.slice(0, 40)}`, () => {
    assert.equal(check(header), verdict);
  });
}
