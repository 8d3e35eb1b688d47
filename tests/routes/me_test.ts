import assert from "node:assert/strict";
import { withProxiedApp } from "../support/proxied_app.ts";

const JSON_TYPE = { "content-type": "application/json" };

Deno.test("GET /api/v2/me is forwarded with its query", async () => {
  await withProxiedApp(async ({ send, upstream }) => {
    const answer = await send("/api/v2/me?subresources=*");
    assert.deepEqual(await answer.json(), { statusCode: 0 });
    assert.equal(upstream.seen[0]?.target, "/api/v2/me?subresources=*");
  });
});

Deno.test("POST /api/v2/me is forwarded byte for byte, whatever the operation", async () => {
  await withProxiedApp(async ({ send, upstream, watched }) => {
    const body = ' { "operationName": "StartContactCenterSession", "channels":["smssession"] } ';
    const answer = await send("/api/v2/me", { method: "POST", body, headers: JSON_TYPE });
    assert.deepEqual(await answer.json(), { statusCode: 0 });
    assert.equal(new TextDecoder().decode(upstream.seen[0]?.bytes), body);
    assert.deepEqual(watched.calls, []);
  });
});

for (const body of ["{}", '{"operationName":7}', "[]"]) {
  Deno.test(`POST /api/v2/me refuses ${body}`, async () => {
    await withProxiedApp(async ({ send, upstream }) => {
      const answer = await send("/api/v2/me", { method: "POST", body, headers: JSON_TYPE });
      assert.equal(answer.status, 400);
      assert.equal((await answer.json()).type, "/problems/invalid-body");
      assert.equal(upstream.seen.length, 0);
    });
  });
}
