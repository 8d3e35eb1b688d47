import assert from "node:assert/strict";
import { Hono } from "hono";
import { pathOf } from "../../middleware/request_path.ts";

const app = new Hono({ getPath: pathOf });
app.get("/things/:id", (c) => c.text(c.req.param("id")));
app.notFound((c) => c.text("nowhere", 404));

const CASES: readonly (readonly [string, string])[] = [
  ["/things/a", "a"],
  ["/things/a?b=%", "a"],
  ["/things/%41%2F%25", "A/%"],
  ["/things/%E2%82%AC", "€"],
  ["/things/%", "nowhere"],
  ["/things/%4", "nowhere"],
  ["/things/%E2%82", "nowhere"],
  ["/things/%C3%28", "nowhere"],
  ["/things/%zz", "nowhere"],
];

for (const [target, expected] of CASES) {
  Deno.test(`GET ${target} leads to ${expected}`, async () => {
    assert.equal(await (await app.request(target)).text(), expected);
  });
}
