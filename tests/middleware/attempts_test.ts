import assert from "node:assert/strict";
import { Hono } from "hono";
import type { AppEnv } from "../../middleware/app_env.ts";
import { boundAttempts } from "../../middleware/attempts.ts";
import { createErrorHandler } from "../../middleware/problem_details.ts";
import { InvalidBody, Unauthenticated } from "../../services/errors.ts";
import { createMemoryLog } from "../support/memory_log.ts";
import { createVirtualClock } from "../support/virtual_clock.ts";

function openDoor() {
  const clock = createVirtualClock();
  const app = new Hono<AppEnv>();
  app.onError(createErrorHandler({ log: createMemoryLog() }));
  app.use(async (c, next) => {
    c.set("requestId", "req-1");
    c.set("clientIp", c.req.header("x-test-ip") ?? null);
    await next();
  });
  app.use(boundAttempts({ perSecond: 1, burst: 3, clock }));
  app.post("/", (c) => {
    const key = c.req.header("x-test-key");
    if (key === "bad-body") throw new InvalidBody("Cannot read it");
    if (key !== "good") {
      throw new Unauthenticated("Cannot let in", { headers: { "www-authenticate": "Bearer" } });
    }
    return c.text("in");
  });
  const knock = async (key: string, ip = "192.0.2.1") => {
    const answer = await app.request("/", {
      method: "POST",
      headers: { "x-test-key": key, "x-test-ip": ip },
    });
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  };
  const statuses = async (count: number, key: string, ip?: string) => {
    const all: number[] = [];
    for (let i = 0; i < count; i++) all.push((await knock(key, ip)).status);
    return all;
  };
  return { clock, knock, statuses };
}

Deno.test("boundAttempts() answers tries that fail too often 429, until time has passed", async () => {
  const { clock, knock, statuses } = openDoor();
  assert.deepEqual(await statuses(5, "bad"), [401, 401, 401, 429, 429]);
  const refused = await knock("bad");
  assert.equal(refused.headers.get("retry-after"), "1");
  assert.equal(refused.headers.get("www-authenticate"), null);
  assert.equal(JSON.parse(refused.text).type, "/problems/rate-limited");
  clock.advance(1_000);
  assert.deepEqual(await statuses(2, "bad"), [401, 429]);
});

Deno.test("boundAttempts() lets in who has good credentials, whatever others try from the same address", async () => {
  const { statuses } = openDoor();
  await statuses(1_000, "bad");
  assert.deepEqual(await statuses(2, "good"), [200, 200]);
  assert.deepEqual(await statuses(1, "bad-body"), [400], "it was let in");
});

Deno.test("boundAttempts() does not count what was let in", async () => {
  const { statuses } = openDoor();
  await statuses(100, "good");
  await statuses(100, "bad-body");
  assert.deepEqual(await statuses(1, "bad"), [401]);
});

const elsewhere: [string, number][] = [
  ["192.0.2.1", 429],
  ["192.0.2.2", 401],
  ["2001:db8:0:7::1", 401],
];
for (const [ip, status] of elsewhere) {
  Deno.test(`boundAttempts() answers ${status} to ${ip} when 192.0.2.1 has tried too often`, async () => {
    const { statuses } = openDoor();
    await statuses(3, "bad");
    assert.deepEqual(await statuses(1, "bad", ip), [status]);
  });
}

Deno.test("boundAttempts() takes the addresses of one IPv6 network for one", async () => {
  const { statuses } = openDoor();
  for (const ip of ["2001:db8::1", "2001:db8:0:0:ffff::", "2001:0db8::abcd:2"]) {
    assert.deepEqual(await statuses(1, "bad", ip), [401]);
  }
  assert.deepEqual(await statuses(1, "bad", "2001:db8::4"), [429]);
  assert.deepEqual(await statuses(1, "bad", "2001:db8:0:1::1"), [401]);
});
