import assert from "node:assert/strict";
import { Hono } from "hono";
import type { AppEnv } from "../../middleware/app_env.ts";
import { headerBounds } from "../../middleware/header_bounds.ts";
import { createErrorHandler } from "../../middleware/problem_details.ts";
import { createMemoryLog } from "../support/memory_log.ts";

const app = new Hono<AppEnv>();
app.use(async (c, next) => {
  c.set("requestId", "request-1");
  await next();
});
app.onError(createErrorHandler({ log: createMemoryLog() }));
app.use(headerBounds());
app.get("/", (c) => c.text("let in"));

const statusWith = async (headers: Record<string, string>) => {
  const answer = await app.request("/", { headers });
  await answer.body?.cancel();
  return answer.status;
};

const fields = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`x-${at}`, ""]));

Deno.test("headerBounds() lets 100 fields through and answers 431 to more", async () => {
  assert.equal(await statusWith(fields(100)), 200);
  assert.equal(await statusWith(fields(101)), 431);
});

Deno.test("headerBounds() lets 32 KiB of fields through and answers 431 to more", async () => {
  const half = "x".repeat(16 * 1024 - 1);
  assert.equal(await statusWith({ a: half, b: half }), 200);
  assert.equal(await statusWith({ a: half, b: half, c: "" }), 431);
});

Deno.test("headerBounds() leaves the length of a token to those who judge tokens", async () => {
  assert.equal(await statusWith({ authorization: `Bearer ${"x".repeat(60 * 1024)}` }), 200);
});

Deno.test("headerBounds() says what it takes, and repeats nothing of what came", async () => {
  const answer = await app.request("/", { headers: { a: "hunter2".repeat(10_000) } });
  const text = await answer.text();
  const { type, detail } = JSON.parse(text);
  assert.equal(type, "/problems/headers-too-large");
  assert.match(detail, /at most 32768 bytes/);
  assert.ok(!text.includes("hunter2"));
});
