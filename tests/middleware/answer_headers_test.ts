import assert from "node:assert/strict";
import { Hono } from "hono";
import { requestId } from "hono/request-id";
import { answerHeaders } from "../../middleware/answer_headers.ts";
import type { AppEnv } from "../../middleware/app_env.ts";
import { createErrorHandler, notFound } from "../../middleware/problem_details.ts";
import { harmlessAnswers } from "../../middleware/secure_headers.ts";
import { SessionHeld } from "../../services/errors.ts";
import { createMemoryLog } from "../support/memory_log.ts";

function openApp(httpsOnly: boolean) {
  const app = new Hono<AppEnv>();
  app.onError(createErrorHandler({ log: createMemoryLog() }));
  app.notFound(notFound);
  app.use(requestId());
  app.use(answerHeaders());
  app.use(harmlessAnswers({ httpsOnly }));
  app.get("/json", (c) => c.json({}))
    .get("/own", () => new Response("x"))
    .get("/empty", (c) => c.body(null, 204))
    .get("/held", () => {
      throw new SessionHeld("Cannot accept: held");
    })
    .get("/crash", () => {
      throw new Error("boom");
    })
    .get("/page", (c) =>
      c.html("<p>", 200, {
        "content-security-policy": "default-src 'self'",
        "cross-origin-resource-policy": "cross-origin",
        "cache-control": "public, max-age=300",
      }));
  return async (path: string) => {
    const answer = await app.request(path, { headers: { "x-request-id": "req-1" } });
    await answer.body?.cancel();
    return answer;
  };
}

for (const path of ["/json", "/own", "/empty", "/held", "/crash", "/nowhere"]) {
  Deno.test(`what answers ${path} is kept by nobody and does nothing in a browser`, async () => {
    const { headers } = await openApp(false)(path);
    assert.equal(headers.get("x-request-id"), "req-1");
    assert.equal(headers.get("cache-control"), "no-store");
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(
      headers.get("content-security-policy"),
      "default-src 'none'; frame-ancestors 'none'",
    );
    assert.equal(headers.get("x-frame-options"), "DENY");
    assert.equal(headers.get("referrer-policy"), "no-referrer");
    assert.equal(headers.get("cross-origin-resource-policy"), "same-origin");
    assert.equal(headers.get("strict-transport-security"), null);
  });
}

Deno.test("a route that says otherwise keeps its word", async () => {
  const { headers } = await openApp(false)("/page");
  assert.equal(headers.get("content-security-policy"), "default-src 'self'");
  assert.equal(headers.get("cross-origin-resource-policy"), "cross-origin");
  assert.equal(headers.get("cache-control"), "public, max-age=300");
  assert.equal(headers.get("x-content-type-options"), "nosniff");
});

Deno.test("browsers are told to come by https alone where Patchbay is reached by https", async () => {
  const { headers } = await openApp(true)("/held");
  assert.equal(headers.get("strict-transport-security"), "max-age=15552000");
});
