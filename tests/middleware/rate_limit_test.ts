import assert from "node:assert/strict";
import { Hono } from "hono";
import type { AppEnv } from "../../middleware/app_env.ts";
import { createErrorHandler } from "../../middleware/problem_details.ts";
import { rateLimit } from "../../middleware/rate_limit.ts";
import { createMemoryLog } from "../support/memory_log.ts";
import { createVirtualClock } from "../support/virtual_clock.ts";

function appLimited(rate = { perSecond: 2, burst: 4 }) {
  const clock = createVirtualClock();
  const app = new Hono<AppEnv>();
  app.onError(createErrorHandler({ log: createMemoryLog() }));
  app.use(async (c, next) => {
    c.set("requestId", "req-1");
    await next();
  });
  app.use(rateLimit({
    ...rate,
    policy: "agent",
    whose: "this agent",
    keyOf: (c) => c.req.header("x-test-agent") ?? "a",
    clock,
  }));
  app.get("/", () => new Response("in"));
  app.get("/boom", () => {
    throw new Error("boom");
  });
  const send = async (agent = "a", path = "/") => {
    const answer = await app.request(path, { headers: { "x-test-agent": agent } });
    return { answer, text: await answer.text() };
  };
  const statuses = async (count: number, agent?: string) => {
    const all: number[] = [];
    for (let i = 0; i < count; i++) all.push((await send(agent)).answer.status);
    return all;
  };
  return { clock, send, statuses };
}

const headersOf = ({ answer }: { answer: Response }) => ({
  limit: answer.headers.get("ratelimit"),
  policy: answer.headers.get("ratelimit-policy"),
  retryAfter: answer.headers.get("retry-after"),
});

Deno.test("rateLimit() lets a burst through, then as many as the rate allows, each caller's by itself", async () => {
  const { clock, statuses } = appLimited();
  assert.deepEqual(await statuses(6), [200, 200, 200, 200, 429, 429]);
  assert.deepEqual(await statuses(1, "b"), [200]);
  clock.advance(500);
  assert.deepEqual(await statuses(2), [200, 429]);
});

Deno.test("rateLimit() tells on every answer what is left", async () => {
  const { send } = appLimited();
  const policy = '"agent";q=4;w=2';
  assert.deepEqual(headersOf(await send()), {
    limit: '"agent";r=3;t=1',
    policy,
    retryAfter: null,
  });
  const crash = await send("a", "/boom");
  assert.equal(crash.answer.status, 500);
  assert.deepEqual(headersOf(crash), { limit: '"agent";r=2;t=1', policy, retryAfter: null });
});

Deno.test("rateLimit() answers 429 with when to come back, and that moment is right", async () => {
  const { clock, send, statuses } = appLimited({ perSecond: 0.25, burst: 1 });
  await send();
  clock.advance(500);
  const refused = await send();
  assert.deepEqual(headersOf(refused), {
    limit: '"agent";r=0;t=4',
    policy: '"agent";q=1;w=4',
    retryAfter: "4",
  });
  assert.equal(JSON.parse(refused.text).type, "/problems/rate-limited");
  clock.advance(4_000);
  assert.deepEqual(await statuses(1), [200]);
});
