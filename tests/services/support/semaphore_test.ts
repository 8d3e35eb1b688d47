import assert from "node:assert/strict";
import { createGate } from "../../../services/support/semaphore.ts";

const NEVER = new AbortController().signal;

Deno.test("so many are let in, and the next in the order of their coming as others leave", async () => {
  const gate = createGate(2);
  const leaveFirst = await gate.enter(NEVER);
  await gate.enter(NEVER);
  const order: string[] = [];
  const third = gate.enter(NEVER).then((leave) => (order.push("third"), leave));
  const fourth = gate.enter(NEVER).then(() => order.push("fourth"));
  await Promise.resolve();
  assert.deepEqual(order, []);

  leaveFirst?.();
  leaveFirst?.(); // counts once
  const leaveThird = await third;
  assert.deepEqual(order, ["third"]);
  leaveThird?.();
  await fourth;
});

Deno.test("who gives up waiting takes nobody's place", async () => {
  const gate = createGate(1);
  const leave = await gate.enter(NEVER);
  const impatient = new AbortController();
  const givenUp = gate.enter(impatient.signal);
  const patient = gate.enter(NEVER);

  impatient.abort();
  assert.equal(await givenUp, null);
  leave?.();

  assert.notEqual(await patient, null);
  assert.equal(await gate.enter(impatient.signal), null);
});
