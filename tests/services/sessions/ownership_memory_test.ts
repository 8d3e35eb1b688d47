import assert from "node:assert/strict";
import {
  createOwnershipMemory,
  OWNERSHIP_MEMORY_MS,
  OWNERSHIP_MEMORY_SIZE,
  OWNERSHIP_OUTAGE_MS,
} from "../../../services/sessions/ownership_memory.ts";

Deno.test("isOwn() says yes for the agents remembered, and for nobody else", () => {
  const memory = createOwnershipMemory(() => 0);
  memory.remember("s", ["a", "b"], 0);
  assert.deepEqual(["a", "b", "c"].map((agent) => memory.isOwn("s", agent)), [true, true, false]);
  assert.equal(memory.isOwn("other", "a"), false);
});

Deno.test("isOwn() counts the time from before the store was asked", () => {
  let nowMs = 1500;
  const memory = createOwnershipMemory(() => nowMs);
  memory.remember("s", ["a"], 0);
  nowMs = OWNERSHIP_MEMORY_MS - 1;
  assert.equal(memory.isOwn("s", "a"), true);
  nowMs = OWNERSHIP_MEMORY_MS;
  assert.equal(memory.isOwn("s", "a"), false);
});

Deno.test("remember() replaces what was remembered of the session", () => {
  const memory = createOwnershipMemory(() => 0);
  memory.remember("s", ["a"], 0);
  memory.remember("s", ["b"], 0);
  assert.equal(memory.isOwn("s", "a"), false);
  assert.equal(memory.isOwn("s", "b"), true);
});

Deno.test("forget() forgets the session for all agents", () => {
  const memory = createOwnershipMemory(() => 0);
  memory.remember("s", ["a", "b"], 0);
  memory.forget("s");
  assert.equal(memory.isOwn("s", "a") || memory.isOwn("s", "b"), false);
});

Deno.test("remember() holds a bounded number of sessions", () => {
  const memory = createOwnershipMemory(() => 0);
  for (let n = 0; n <= OWNERSHIP_MEMORY_SIZE; n++) memory.remember(`s${n}`, ["a"], 0);
  assert.equal(memory.isOwn("s0", "a"), false);
  assert.equal(memory.isOwn("s1", "a"), true);
});

Deno.test("wasOwn() knows who was in the session when the outage began, and not who was before", () => {
  const memory = createOwnershipMemory(() => 100_000);
  memory.remember("fresh", ["a"], 98_001);
  memory.remember("old", ["a"], 98_000);
  assert.equal(memory.wasOwn("fresh", "a"), false, "the store has not failed");
  memory.storeFailed(100_000);
  assert.deepEqual(
    ["fresh", "old", "other"].map((session) => memory.wasOwn(session, "a")),
    [true, false, false],
  );
  assert.equal(memory.wasOwn("fresh", "b"), false);
});

Deno.test("wasOwn() counts from the first failure, until the store answers", () => {
  let nowMs = 0;
  const memory = createOwnershipMemory(() => nowMs);
  memory.remember("s", ["a"], 0);
  for (nowMs = 1_000; nowMs < 60_000; nowMs += 10_000) memory.storeFailed(nowMs);
  assert.equal(memory.wasOwn("s", "a"), true);
  memory.storeAnswered();
  memory.storeFailed(nowMs);
  assert.equal(memory.wasOwn("s", "a"), false);
});

Deno.test("wasOwn() bridges ten minutes and no more", () => {
  let nowMs = 0;
  const memory = createOwnershipMemory(() => nowMs);
  memory.remember("s", ["a"], 0);
  memory.storeFailed(0);
  nowMs = OWNERSHIP_OUTAGE_MS - 1;
  assert.equal(memory.wasOwn("s", "a"), true);
  nowMs = OWNERSHIP_OUTAGE_MS;
  assert.equal(memory.wasOwn("s", "a"), false);
});
