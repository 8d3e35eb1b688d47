import assert from "node:assert/strict";
import { createBackground } from "../../../services/webhooks/background.ts";
import { createMemoryLog } from "../../support/memory_log.ts";

Deno.test("work is repeated until it says that it is over", async () => {
  const background = createBackground({ log: createMemoryLog() });
  let steps = 0;
  await background.start("wh_1", "counting", () => Promise.resolve(++steps < 3));
  assert.equal(steps, 3);
});

Deno.test("between two steps everything else gets its turn", async () => {
  const background = createBackground({ log: createMemoryLog() });
  let isTime = false;
  let steps = 0;
  const timer = setTimeout(() => isTime = true, 0);
  await background.start("wh_1", "waiting", () => Promise.resolve(++steps < 100_000 && !isTime));
  clearTimeout(timer);
  assert.ok(isTime, "the event loop was held up");
});

Deno.test("work on one webhook is done in turn, that on two side by side", async () => {
  const background = createBackground({ log: createMemoryLog() });
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const order: string[] = [];
  const work = (name: string, wait?: Promise<void>) => async () => {
    order.push(`${name} begins`);
    await wait;
    order.push(`${name} ends`);
    return false;
  };
  void background.start("wh_1", "first", work("first", gate));
  void background.start("wh_1", "second", work("second"));
  await background.start("wh_2", "other", work("other"));
  assert.deepEqual(order, ["first begins", "other begins", "other ends"]);
  open();
  await background.settled();
  assert.deepEqual(order.slice(3), ["first ends", "second begins", "second ends"]);
});

Deno.test("work that fails is logged and keeps nothing else from its turn", async () => {
  const log = createMemoryLog();
  const background = createBackground({ log });
  let done = false;
  await background.start("wh_1", "failing", () => Promise.reject(new Error("a fault")));
  await background.start("wh_1", "other", () => {
    done = true;
    return Promise.resolve(false);
  });
  assert.ok(done);
  const fields = { webhookId: "wh_1", work: "failing", error: "Error: a fault" };
  assert.deepEqual(log.of("webhook.background_failed").map((entry) => entry.fields), [fields]);
});

Deno.test("stopping ends work at its next step and begins none", async () => {
  const background = createBackground({ log: createMemoryLog() });
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  let steps = 0;
  void background.start("wh_1", "endless", () => {
    steps++;
    begin();
    return Promise.resolve(true);
  });
  await begun;
  await background.stop();
  const stepsThen = steps;
  await background.start("wh_1", "late", () => assert.fail("it was begun"));
  assert.equal(steps, stepsThen);
});
