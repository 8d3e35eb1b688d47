import assert from "node:assert/strict";
import { createKeyedQueue } from "../../../services/support/keyed_queue.ts";

Deno.test("tasks of one key wait for each other, those of another key do not", async () => {
  const queue = createKeyedQueue();
  const gate = Promise.withResolvers<void>();
  const began: string[] = [];
  const first = queue("a", async () => {
    began.push("a1");
    await gate.promise;
    return 1;
  });
  const second = queue("a", () => {
    began.push("a2");
    return Promise.resolve(2);
  });
  await queue("b", () => Promise.resolve(began.push("b1")));
  assert.deepEqual(began, ["a1", "b1"]);

  gate.resolve();
  assert.deepEqual(await Promise.all([first, second]), [1, 2]);
  assert.deepEqual(began, ["a1", "b1", "a2"]);
});

Deno.test("a task that fails does so for its caller alone", async () => {
  const queue = createKeyedQueue();
  const failing = queue("a", () => Promise.reject(new Error("no")));
  const next = queue("a", () => Promise.resolve("yes"));
  await assert.rejects(failing, /no/);
  assert.equal(await next, "yes");
});
