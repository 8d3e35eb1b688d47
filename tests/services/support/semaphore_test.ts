import assert from "node:assert/strict";
import { createSemaphore } from "../../../services/support/semaphore.ts";

const NEVER = new AbortController().signal;

Deno.test("so many are let in, and the next in the order of their coming as others leave", async () => {
  const semaphore = createSemaphore(2);
  const releaseFirst = await semaphore.acquire(NEVER);
  await semaphore.acquire(NEVER);
  const order: string[] = [];
  const third = semaphore.acquire(NEVER).then((release) => (order.push("third"), release));
  const fourth = semaphore.acquire(NEVER).then(() => order.push("fourth"));
  await Promise.resolve();
  assert.deepEqual(order, []);

  releaseFirst?.();
  releaseFirst?.(); // counts once
  const releaseThird = await third;
  assert.deepEqual(order, ["third"]);
  releaseThird?.();
  await fourth;
});

Deno.test("who gives up waiting takes nobody's place", async () => {
  const semaphore = createSemaphore(1);
  const release = await semaphore.acquire(NEVER);
  const impatient = new AbortController();
  const givenUp = semaphore.acquire(impatient.signal);
  const patient = semaphore.acquire(NEVER);

  impatient.abort();
  assert.equal(await givenUp, null);
  release?.();

  assert.notEqual(await patient, null);
  assert.equal(await semaphore.acquire(impatient.signal), null);
});
