import assert from "node:assert/strict";
import { Hono } from "hono";
import type { AppEnv } from "../../middleware/app_env.ts";
import { createErrorHandler } from "../../middleware/problem_details.ts";
import { boundWork } from "../../middleware/work_bound.ts";
import { createRoom } from "../../services/support/room.ts";
import { createMemoryLog } from "../support/memory_log.ts";

function openApp(capacity: number) {
  const log = createMemoryLog();
  const room = createRoom(capacity);
  const app = new Hono<AppEnv>();
  app.onError(createErrorHandler({ log }));
  app.use(async (c, next) => {
    c.set("requestId", "req-1");
    await next();
  });
  app.use(boundWork({ room, log }));
  const waiting: (() => void)[] = [];
  app.get("/wait", async (c) => {
    await new Promise<void>((resolve) => waiting.push(resolve));
    return c.text("done");
  });
  app.get("/boom", () => {
    throw new Error("boom");
  });
  const send = async (path = "/wait") => {
    const answer = await app.request(path);
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  };
  return { app, log, room, waiting, send };
}

Deno.test("boundWork() refuses what there is no room for at once, and takes it in again once there is", async () => {
  const { log, room, waiting, send } = openApp(2);
  const first = send();
  const second = send();
  for (let again = 0; again < 3; again++) {
    const refused = await send();
    assert.equal(refused.status, 503);
    assert.equal(refused.headers.get("retry-after"), "1");
    assert.equal(JSON.parse(refused.text).type, "/problems/overloaded");
  }
  waiting.shift()?.();
  assert.equal((await first).status, 200);
  const third = send();
  waiting.forEach((finish) => finish());
  assert.deepEqual([(await second).status, (await third).status], [200, 200]);
  assert.equal(room.taken, 0);
  // Each refused request has its line in the access log; that it began and ended is said once.
  assert.deepEqual(log.entries.map(({ event }) => event), ["work.refused", "work.resumed"]);
});

Deno.test("boundWork() has its room back from what crashed", async () => {
  const { room, send } = openApp(1);
  assert.equal((await send("/boom")).status, 500);
  assert.equal(room.taken, 0);
});
