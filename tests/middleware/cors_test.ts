import assert from "node:assert/strict";
import { Hono } from "hono";
import { answerHeaders } from "../../middleware/answer_headers.ts";
import type { AppEnv } from "../../middleware/app_env.ts";
import { pagesOf } from "../../middleware/cors.ts";
import { methodFallback } from "../../middleware/method_fallback.ts";
import { createErrorHandler, notFound } from "../../middleware/problem_details.ts";
import { RateLimited, StoreUnavailable, Unauthenticated } from "../../services/errors.ts";
import { createMemoryLog } from "../support/memory_log.ts";

const DESKTOP = "https://desktop.example";

function openApp() {
  const app = new Hono<AppEnv>();
  app.onError(createErrorHandler({ log: createMemoryLog() }));
  app.notFound(notFound);
  app.use(async (c, next) => {
    c.set("requestId", "req-1");
    await next();
  });
  app.use(answerHeaders());
  app.use("/api/*", pagesOf({ origins: [DESKTOP, "http://localhost:5173"] }));
  app.use(methodFallback({ app }));
  const refuse = (error: Error) => () => {
    throw error;
  };
  app.post("/api/in", () => new Response("in", { headers: { vary: "Accept" } }))
    .get("/api/in", (c) => c.text("in"))
    .get("/api/401", refuse(new Unauthenticated("no", { headers: { "www-authenticate": "x" } })))
    .get("/api/429", refuse(new RateLimited("no")))
    .get("/api/503", refuse(new StoreUnavailable("no")))
    .get("/api/500", refuse(new Error("boom")))
    .get("/v1/in", (c) => c.text("in"));
  return async (method: string, path: string, headers: Record<string, string> = {}) => {
    const answer = await app.request(path, { method, headers });
    await answer.body?.cancel();
    return answer;
  };
}

const corsOf = ({ headers }: Response) =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith("access-control-")));

const ASKED = {
  "access-control-request-method": "POST",
  "access-control-request-headers": "authorization,content-type",
};

const preflights = ["/api/in", "/api/401", "/api/nowhere"];
for (const path of preflights) {
  Deno.test(`a browser that asks for a page of ours is told what ${path} takes, without a token`, async () => {
    const answer = await openApp()("OPTIONS", path, { origin: DESKTOP, ...ASKED });
    assert.equal(answer.status, 204);
    assert.equal(answer.headers.get("vary"), "Origin");
    assert.equal(answer.headers.get("cache-control"), "no-store");
    assert.deepEqual(corsOf(answer), {
      "access-control-allow-origin": DESKTOP,
      "access-control-allow-methods": "GET, HEAD, POST",
      "access-control-allow-headers":
        "accept, accept-language, authorization, content-type, idempotency-key, traceparent, tracestate, x-request-id",
      "access-control-max-age": "7200",
    });
  });
}

const answers: [string, string, number][] = [
  ["POST", "/api/in", 200],
  ["GET", "/api/in", 200],
  ["HEAD", "/api/in", 200],
  ["GET", "/api/401", 401],
  ["GET", "/api/429", 429],
  ["GET", "/api/503", 503],
  ["GET", "/api/500", 500],
  ["GET", "/api/nowhere", 404],
  ["PUT", "/api/in", 405],
];
for (const [method, path, status] of answers) {
  Deno.test(`a page of ours may read what ${method} ${path} is answered: ${status}`, async () => {
    const answer = await openApp()(method, path, { origin: DESKTOP });
    assert.equal(answer.status, status);
    assert.match(answer.headers.get("vary") ?? "", /(^|, )Origin$/);
    assert.deepEqual(corsOf(answer), {
      "access-control-allow-origin": DESKTOP,
      "access-control-expose-headers":
        "idempotency-replayed, ratelimit, ratelimit-policy, retry-after, www-authenticate, x-request-id",
    });
  });
}

const strangers = [
  "https://evil.example",
  "https://desktop.example.evil.example",
  "https://evil-desktop.example",
  "http://desktop.example",
  "https://desktop.example:444",
  "https://DESKTOP.example",
  "https://desktop.example/",
  "null",
  "*",
  "",
];
for (const origin of strangers) {
  Deno.test(`a page of "${origin}" is told nothing, and no cache mixes it up with ours`, async () => {
    const send = openApp();
    const asked = await send("OPTIONS", "/api/in", { origin, ...ASKED });
    assert.equal(asked.status, 405);
    const answer = await send("POST", "/api/in", { origin });
    assert.equal(answer.status, 200);
    for (const each of [asked, answer]) {
      assert.deepEqual(corsOf(each), {});
      assert.match(each.headers.get("vary") ?? "", /(^|, )Origin$/);
    }
  });
}

Deno.test("what is no page's request is answered as ever, and varies all the same", async () => {
  const answer = await openApp()("POST", "/api/in");
  assert.deepEqual(corsOf(answer), {});
  assert.equal(answer.headers.get("vary"), "Accept, Origin");
});

Deno.test("an OPTIONS that asks nothing is no question of a browser's", async () => {
  const answer = await openApp()("OPTIONS", "/api/in", { origin: DESKTOP });
  assert.equal(answer.status, 405);
  assert.equal(answer.headers.get("allow"), "GET, HEAD, POST");
});

Deno.test("pages may call nothing but what stands behind it", async () => {
  const send = openApp();
  const answer = await send("GET", "/v1/in", { origin: DESKTOP });
  assert.deepEqual([corsOf(answer), answer.headers.get("vary")], [{}, null]);
  assert.equal((await send("OPTIONS", "/v1/in", { origin: DESKTOP, ...ASKED })).status, 405);
});
