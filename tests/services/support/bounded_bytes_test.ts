import assert from "node:assert/strict";
import { readAtMost } from "../../../services/support/bounded_bytes.ts";

/** A body in chunks of the given lengths, and whether its reader gave up on it. */
function chunked(...lengths: number[]) {
  const state = { pulled: 0, cancelled: false };
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const length = lengths[state.pulled++];
      if (length === undefined) controller.close();
      else controller.enqueue(new Uint8Array(length).fill(state.pulled));
    },
    cancel() {
      state.cancelled = true;
    },
  }, { highWaterMark: 0 });
  return { body, state };
}

Deno.test("readAtMost() reads no bytes from a body that is not there", async () => {
  assert.deepEqual(await readAtMost(null, 10), new Uint8Array(0));
});

Deno.test("readAtMost() joins the chunks of a body that is just as long as allowed", async () => {
  const { body } = chunked(2, 3);
  assert.deepEqual(await readAtMost(body, 5), new Uint8Array([1, 1, 2, 2, 2]));
});

Deno.test("readAtMost() stops at the chunk that exceeds the bound and cancels the rest", async () => {
  const { body, state } = chunked(2, 4, 1_000, 1_000);
  assert.equal(await readAtMost(body, 5), null);
  assert.deepEqual(state, { pulled: 2, cancelled: true });
});

Deno.test("readAtMost() fails as the body fails", async () => {
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.error(new Error("broke off")),
  });
  await assert.rejects(readAtMost(body, 5), /broke off/);
});
