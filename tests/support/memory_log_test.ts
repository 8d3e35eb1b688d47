import assert from "node:assert/strict";
import { createMemoryLog } from "./memory_log.ts";

Deno.test("whenLogged() resolves once the event was logged so often, before or after", async () => {
  const log = createMemoryLog();
  log.info("other");
  log.warn("wanted");
  await log.whenLogged("wanted");
  const twice = log.whenLogged("wanted", 2);
  log.error("wanted");
  await twice;
});

Deno.test("whenLogged() rejects in time, and says what was awaited", async () => {
  const log = createMemoryLog(10);
  log.info("wanted");
  await assert.rejects(log.whenLogged("wanted", 2), {
    message: "Cannot await log event wanted: logged 1 times within 10 ms, expected 2",
  });
  log.info("wanted");
  await log.whenLogged("wanted", 2);
});
