import assert from "node:assert/strict";
import { Hono } from "hono";
import { requestId } from "hono/request-id";
import type { AppEnv } from "../../middleware/app_env.ts";
import { methodFallback } from "../../middleware/method_fallback.ts";
import { createErrorHandler, notFound } from "../../middleware/problem_details.ts";
import { NotFound } from "../../services/errors.ts";
import { createMemoryLog } from "../support/memory_log.ts";

function createApp() {
  const app = new Hono<AppEnv>();
  app.use(requestId());
  app.use(methodFallback({ app }));
  app.onError(createErrorHandler({ log: createMemoryLog() }));
  app.notFound(notFound);
  const hooks = new Hono<AppEnv>();
  hooks.get("/", (c) => c.text("list"));
  hooks.post("/", (c) => c.text("made"));
  hooks.patch("/:id", (c) => c.text("changed"));
  hooks.delete("/:id", (c) => c.text("gone"));
  hooks.get("/:id", () => {
    throw new NotFound("Cannot find this webhook");
  });
  hooks.post("/:id/ping", () => new Response("upstream says no", { status: 404 }));
  app.use("/v1/*", (_c, next) => next());
  app.route("/v1/webhooks", hooks);
  return app;
}

const notAllowed: [string, string, string][] = [
  ["PUT", "/v1/webhooks", "GET, HEAD, POST"],
  ["DELETE", "/v1/webhooks", "GET, HEAD, POST"],
  ["OPTIONS", "/v1/webhooks", "GET, HEAD, POST"],
  ["POST", "/v1/webhooks/wh_1", "DELETE, GET, HEAD, PATCH"],
  ["GET", "/v1/webhooks/wh_1/ping", "POST"],
  ["PROPFIND", "/v1/webhooks/wh_1/ping", "POST"],
];
for (const [method, path, allow] of notAllowed) {
  Deno.test(`methodFallback() answers 405 to ${method} ${path} and allows ${allow}`, async () => {
    const answer = await createApp().request(path, {
      method,
      headers: { "x-request-id": "req-1" },
    });
    assert.equal(answer.status, 405);
    assert.equal(answer.headers.get("allow"), allow);
    assert.equal(answer.headers.get("content-type"), "application/problem+json");
    const problem = await answer.json();
    assert.equal(problem.type, "/problems/method-not-allowed");
    assert.equal(problem.instance, "req-1");
  });
}

Deno.test("methodFallback() answers 405 to HEAD without a body", async () => {
  const answer = await createApp().request("/v1/webhooks/wh_1/ping", { method: "HEAD" });
  assert.equal(answer.status, 405);
  assert.equal(answer.headers.get("allow"), "POST");
  assert.equal(await answer.text(), "");
});

const untouched: [string, string, number][] = [
  ["GET", "/v1/webhooks", 200],
  ["HEAD", "/v1/webhooks", 200],
  ["GET", "/v1/webhooks/wh_1", 404],
  ["POST", "/v1/webhooks/wh_1/ping", 404],
  ["GET", "/v1/nothing", 404],
  ["PUT", "/", 404],
];
for (const [method, path, status] of untouched) {
  Deno.test(`methodFallback() leaves ${method} ${path} at ${status}`, async () => {
    const answer = await createApp().request(path, { method });
    await answer.body?.cancel();
    assert.equal(answer.status, status);
    assert.equal(answer.headers.get("allow"), null);
  });
}

Deno.test("methodFallback() repeats no more of a method than it takes to know it", async () => {
  const answer = await createApp().request("/v1/webhooks", { method: "M".repeat(30_000) });
  assert.equal(answer.status, 405);
  const { detail } = await answer.json();
  assert.ok(detail.includes("M".repeat(16)) && detail.length < 100);
});
