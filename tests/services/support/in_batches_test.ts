import assert from "node:assert/strict";
import { inBatches } from "../../../services/support/in_batches.ts";

Deno.test("every item is worked on once, no more than so many at a time", async () => {
  const seen: number[] = [];
  let running = 0;
  let most = 0;
  await inBatches([1, 2, 3, 4, 5], 2, async (item) => {
    seen.push(item);
    most = Math.max(most, ++running);
    await Promise.resolve();
    running--;
  });
  assert.deepEqual(seen, [1, 2, 3, 4, 5]);
  assert.equal(most, 2);
});
