import assert from "node:assert/strict";
import { Hono } from "hono";
import type { AppEnv } from "../../middleware/app_env.ts";
import { createErrorHandler } from "../../middleware/problem_details.ts";
import { type RateLimitOptions, rateLimitPerAgent } from "../../middleware/rate_limit.ts";
import { createMemoryLog } from "../support/memory_log.ts";
import { createVirtualClock } from "../support/virtual_clock.ts";

function appLimited(options: Partial<RateLimitOptions> = {}) {
  const clock = createVirtualClock();
  const app = new Hono<AppEnv>();
  app.onError(createErrorHandler({ log: createMemoryLog() }));
  app.use(async (c, next) => {
    c.set("requestId", "req-1");
    c.set("agent", {
      id: c.req.header("x-test-agent") ?? "a",
      scopes: new Set(),
      tokenExpiresAtMs: Infinity,
    });
    await next();
  });
  app.use(rateLimitPerAgent({ perSecond: 2, burst: 4, clock, ...options }));
  app.get("/", () => new Response("in"));
  app.get("/boom", () => {
    throw new Error("boom");
  });
  const send = async (agent = "a", path = "/") => {
    const answer = await app.request(path, { headers: { "x-test-agent": agent } });
    await answer.body?.cancel();
    return answer;
  };
  const statuses = async (count: number, agent?: string) => {
    const all: number[] = [];
    for (let i = 0; i < count; i++) all.push((await send(agent)).status);
    return all;
  };
  return { clock, send, statuses };
}

const headersOf = (answer: Response) => ({
  limit: answer.headers.get("ratelimit"),
  policy: answer.headers.get("ratelimit-policy"),
  retryAfter: answer.headers.get("retry-after"),
});

Deno.test("rateLimitPerAgent() lets a burst through, then as many as the rate allows", async () => {
  const { clock, statuses } = appLimited();
  assert.deepEqual(await statuses(6), [200, 200, 200, 200, 429, 429]);
  clock.advance(499);
  assert.deepEqual(await statuses(1), [429]);
  clock.advance(1);
  assert.deepEqual(await statuses(2), [200, 429]);
  clock.advance(1_000);
  assert.deepEqual(await statuses(3), [200, 200, 429]);
});

Deno.test("rateLimitPerAgent() fills the bucket no further than the burst", async () => {
  const { clock, statuses } = appLimited();
  await statuses(4);
  clock.advance(3_600_000);
  assert.deepEqual(await statuses(5), [200, 200, 200, 200, 429]);
});

Deno.test("rateLimitPerAgent() adds nothing to answers let through: proxied ones carry upstream's headers alone", async () => {
  const { send } = appLimited();
  assert.deepEqual(headersOf(await send()), { limit: null, policy: null, retryAfter: null });
});

Deno.test("rateLimitPerAgent() answers 429 with when to come back, and that moment is right", async () => {
  const { clock, send, statuses } = appLimited({ perSecond: 0.25, burst: 1 });
  await send();
  clock.advance(500);
  assert.deepEqual(headersOf(await send()), {
    limit: '"agent";r=0;t=4',
    policy: '"agent";q=1;w=4',
    retryAfter: "4",
  });
  clock.advance(4_000);
  assert.deepEqual(await statuses(1), [200]);
});

Deno.test("rateLimitPerAgent() does not let being refused put off the next token", async () => {
  const { clock, statuses } = appLimited({ perSecond: 1, burst: 1 });
  await statuses(1);
  for (let i = 0; i < 9; i++) {
    clock.advance(100);
    assert.deepEqual(await statuses(1), [429]);
  }
  clock.advance(100);
  assert.deepEqual(await statuses(1), [200]);
});

Deno.test("rateLimitPerAgent() counts each agent by itself", async () => {
  const { statuses } = appLimited({ burst: 1 });
  assert.deepEqual(await statuses(2, "a"), [200, 429]);
  assert.deepEqual(await statuses(2, "b"), [200, 429]);
});

Deno.test("rateLimitPerAgent() remembers as many agents as it may, the quietest going first", async () => {
  const { statuses } = appLimited({ burst: 1, maxAgents: 2 });
  await statuses(1, "a");
  await statuses(1, "b");
  assert.deepEqual(await statuses(1, "a"), [429], "a is known, and used again by asking");
  await statuses(1, "c");
  assert.deepEqual(await statuses(1, "a"), [429], "a is still known");
  assert.deepEqual(await statuses(1, "b"), [200], "b was forgotten");
});

Deno.test("rateLimitPerAgent() takes nothing away when the clock is set back", async () => {
  const clock = createVirtualClock();
  let nowMs = clock.now();
  const { statuses } = appLimited({ clock: { ...clock, now: () => nowMs } });
  await statuses(1);
  nowMs -= 60_000;
  assert.deepEqual(await statuses(4), [200, 200, 200, 429]);
});

const nonsense: Partial<RateLimitOptions>[] = [
  { perSecond: 0 },
  { perSecond: -1 },
  { perSecond: NaN },
  { perSecond: Infinity },
  { burst: 0 },
  { burst: NaN },
];
for (const options of nonsense) {
  Deno.test(`rateLimitPerAgent() refuses ${Deno.inspect(options)}`, () => {
    assert.throws(() => appLimited(options), RangeError);
  });
}
