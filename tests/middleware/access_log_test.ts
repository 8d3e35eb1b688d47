import assert from "node:assert/strict";
import { Hono } from "hono";
import { requestId } from "hono/request-id";
import { accessLog } from "../../middleware/access_log.ts";
import type { AppEnv } from "../../middleware/app_env.ts";
import { methodFallback } from "../../middleware/method_fallback.ts";
import { createErrorHandler, notFound } from "../../middleware/problem_details.ts";
import { SessionHeld } from "../../services/errors.ts";
import { createMemoryLog } from "../support/memory_log.ts";
import { createVirtualClock } from "../support/virtual_clock.ts";

function appLogged() {
  const clock = createVirtualClock();
  const log = createMemoryLog();
  const app = new Hono<AppEnv>();
  app.use(requestId());
  app.use(accessLog({ log, clock }));
  app.use(methodFallback({ app }));
  app.onError(createErrorHandler({ log }));
  app.notFound(notFound);
  const sessions = new Hono<AppEnv>();
  sessions.use("/:id/*", (_c, next) => next());
  sessions.post("/:id", (c) => {
    c.set("agent", { id: "agent-1", scopes: new Set(), tokenExpiresAtMs: Infinity });
    clock.advance(12);
    if (c.req.param("id") === "held") throw new SessionHeld("Cannot accept: held");
    if (c.req.param("id") === "boom") throw new Error("boom");
    return new Response("in");
  });
  app.route("/sessions", sessions);
  app.get("/docs/*", (c) => c.text("docs"));
  const send = async (method: string, path: string) => {
    const answer = await app.request(path, {
      method,
      headers: { "x-request-id": "req-1", authorization: "Bearer hunter2" },
    });
    await answer.body?.cancel();
    return log.of("http.request").at(-1)?.fields;
  };
  return { send, log };
}

Deno.test("accessLog() logs method, route with its id, status, duration, request and agent, and nothing else", async () => {
  const { send } = appLogged();
  assert.deepEqual(await send("POST", "/sessions/0071?phone=%2B15550100"), {
    method: "POST",
    route: "/sessions/:id",
    id: "0071",
    status: 200,
    durationMs: 12,
    requestId: "req-1",
    agentId: "agent-1",
    problem: undefined,
  });
});

const requests: [string, string, string | null, number, string | undefined][] = [
  ["POST", "/sessions/held", "/sessions/:id", 409, "session-held"],
  ["POST", "/sessions/boom", "/sessions/:id", 500, undefined],
  ["GET", "/docs/guide", "/docs/*", 200, undefined],
  ["HEAD", "/docs/guide", "/docs/*", 200, undefined],
  ["GET", "/nowhere/15550100", null, 404, undefined],
  ["PUT", "/sessions/15550100", null, 405, "method-not-allowed"],
];
for (const [method, path, route, status, problem] of requests) {
  Deno.test(`accessLog() logs ${method} ${path} as ${route} ${status}, once`, async () => {
    const { send, log } = appLogged();
    const fields = await send(method, path);
    assert.deepEqual(
      [fields?.method, fields?.route, fields?.status, fields?.problem],
      [method, route, status, problem],
    );
    assert.equal(log.of("http.request").length, 1);
    assert.ok(!JSON.stringify(log.of("http.request")).includes("15550100"));
    assert.ok(!JSON.stringify(log.entries).includes("hunter2"));
  });
}

/** Ids as a path may hold them, and as the log shows them. */
const ids: [string, string][] = [
  ["0000Na9B26EF002X", "0000Na9B26EF002X"],
  ["evt_01M81CJBTBRH1NF1QPC4T587JV", "evt_01M81CJBTBRH1NF1QPC4T587JV"],
  ["dlv_01234567890000000000000000_sms12", "dlv_01234567890000000000000000_sms12"],
  ["x".repeat(30_000), `${"x".repeat(64)}…`],
  ["+16502530001", "…0001"],
  ["16502530001", "…0001"],
  ["tel:+1-650-253-0001", "tel:…0001"],
  ["+1 (650) 253-0001 or 555 0100 123", "…0001 or …0123"],
  ["\u0661\u0666\u0665\u0660\u0662\u0665\u0663", "…"],
];
for (const [id, shown] of ids) {
  Deno.test(`accessLog() shows the id ${id.slice(0, 40)} as ${shown.slice(0, 40)}`, async () => {
    const { send } = appLogged();
    const fields = await send("POST", `/sessions/${encodeURIComponent(id)}`);
    assert.equal(fields?.route, "/sessions/:id");
    assert.equal(fields?.id, shown);
  });
}

Deno.test("accessLog() writes no method that is as long as its sender likes", async () => {
  const { send } = appLogged();
  assert.equal((await send("M".repeat(30_000), "/sessions/1"))?.method, "_OTHER");
  assert.equal((await send("16502530001", "/nowhere"))?.method, "_OTHER");
});
