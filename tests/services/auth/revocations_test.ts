import assert from "node:assert/strict";
import { createRevocations, tokenIdOf } from "../../../services/auth/revocations.ts";
import { StoreUnavailable } from "../../../services/errors.ts";
import type { RevocationStore } from "../../../services/store/port/revocations.ts";
import { openSqliteStore } from "../../../services/store/sqlite/store.ts";
import type { Clock } from "../../../services/support/clock.ts";
import { createMemoryLog } from "../../support/memory_log.ts";
import { createVirtualClock } from "../../support/virtual_clock.ts";

const HOUR_MS = 3_600_000;

/** Instances that share a store, which can be made to fail or to wait. */
function createWorld() {
  const policy = { sessionTtlMs: HOUR_MS, eventRetentionMs: HOUR_MS };
  const inner = openSqliteStore({ path: ":memory:", sync: "normal", policy });
  const clock = createVirtualClock();
  let looks = 0;
  let gate: (() => Promise<void>) | null = null;
  const store: RevocationStore = {
    revokeToken: async (request) => {
      await gate?.();
      await inner.revokeToken(request);
    },
    async listRevocations(request) {
      looks += 1;
      await gate?.();
      return await inner.listRevocations(request);
    },
  };
  return {
    clock,
    inner,
    /** How many commands for the list the store has got since the last call. */
    looks() {
      const count = looks;
      looks = 0;
      return count;
    },
    fail: () => gate = () => Promise.reject(new StoreUnavailable("answer")),
    hang() {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = () => promise;
      return resolve;
    },
    recover: () => gate = null,
    instance(ownClock: Clock = clock) {
      const log = createMemoryLog();
      return { log, ...createRevocations({ store, clock: ownClock, log }) };
    },
    [Symbol.asyncDispose]: () => inner.close(),
  };
}

const revoke = (world: ReturnType<typeof createWorld>, tokenId: string) => {
  const nowMs = world.clock.now();
  return world.inner.revokeToken({ tokenId, untilMs: nowMs + HOUR_MS, nowMs });
};

Deno.test("a token that was revoked elsewhere is revoked here within 2 s", async () => {
  await using world = createWorld();
  const { isRevoked } = world.instance();
  assert.equal(await isRevoked("a"), false);
  await revoke(world, "a");
  world.clock.advance(2_000);
  assert.equal(await isRevoked("a"), true);
  assert.equal(await isRevoked("b"), false);
});

Deno.test("a token that was revoked before the start is known to the first who asks", async () => {
  await using world = createWorld();
  await revoke(world, "a");
  assert.equal(await world.instance().isRevoked("a"), true);
});

Deno.test("a list of many pages is read whole before the first answer", async () => {
  await using world = createWorld();
  for (let at = 0; at < 2_500; at++) await revoke(world, `token-${at}`);
  const { isRevoked } = world.instance();
  assert.equal(await isRevoked("token-2499"), true);
  assert.equal(await isRevoked("token-0"), true);
  assert.equal(world.looks(), 3);
});

Deno.test("a token is revoked at once where somebody revokes it", async () => {
  await using world = createWorld();
  const here = world.instance();
  assert.equal(await here.isRevoked("a"), false);
  await here.revoke("a", world.clock.now() + HOUR_MS);
  assert.equal(await here.isRevoked("a"), true);
  assert.equal(await world.instance().isRevoked("a"), true);
});

Deno.test("the store is asked once a second while many come, and never while nobody does", async () => {
  await using world = createWorld();
  const { isRevoked } = world.instance();
  assert.equal(world.looks(), 0, "not at the start");
  await Promise.all(Array.from({ length: 100 }, () => isRevoked("a")));
  assert.equal(world.looks(), 1);
  for (let tenths = 0; tenths < 100; tenths++) {
    world.clock.advance(100);
    await Promise.all(Array.from({ length: 10 }, () => isRevoked("a")));
  }
  assert.equal(world.looks(), 10);
  world.clock.advance(HOUR_MS);
  assert.equal(world.looks(), 0);
  assert.equal(world.clock.pending(), 0);
});

Deno.test("whoever comes in the second second is not kept waiting", async () => {
  await using world = createWorld();
  const { isRevoked } = world.instance();
  await isRevoked("a");
  await revoke(world, "a");
  const release = world.hang();
  world.clock.advance(1_999);
  assert.equal(await isRevoked("a"), false, "by what was known");
  release();
  world.clock.advance(1);
  assert.equal(await isRevoked("a"), true);
  assert.equal(world.looks(), 2, "the reading that was under way");
});

Deno.test("a slow store keeps nobody waiting for more than 250 ms", async () => {
  await using world = createWorld();
  const { isRevoked } = world.instance();
  await isRevoked("a");
  await revoke(world, "a");
  const release = world.hang();
  world.clock.advance(2_000);
  const answer = isRevoked("a");
  world.clock.advance(250);
  assert.equal(await answer, false);
  release();
  world.recover();
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(await isRevoked("a"), true, "the answer counts when it comes");
  assert.equal(world.clock.pending(), 0);
});

Deno.test("what is known goes on counting while the store is away, and what it missed counts after", async () => {
  await using world = createWorld();
  await revoke(world, "a");
  const { isRevoked, log } = world.instance();
  assert.equal(await isRevoked("a"), true);
  world.fail();
  await revoke(world, "b");
  for (let seconds = 0; seconds < 60; seconds++) {
    world.clock.advance(1_000);
    assert.equal(await isRevoked("a"), true);
    assert.equal(await isRevoked("b"), false);
  }
  assert.ok(world.looks() <= 61, "once a second");
  assert.deepEqual(log.entries.map(({ level, event }) => [level, event]), [
    ["warn", "revocations.unread"],
  ]);
  world.recover();
  world.clock.advance(1_000);
  await isRevoked("b");
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(await isRevoked("b"), true);
});

Deno.test("an instance that has never had the list lets nobody in, and asks once a second", async () => {
  await using world = createWorld();
  world.fail();
  const { isRevoked } = world.instance();
  const asked = await Promise.allSettled(Array.from({ length: 20 }, () => isRevoked("a")));
  for (const one of asked) {
    assert.equal(one.status, "rejected");
    assert.ok(one.reason instanceof StoreUnavailable);
  }
  await assert.rejects(isRevoked("a"), StoreUnavailable);
  assert.equal(world.looks(), 1);
  world.recover();
  world.clock.advance(1_000);
  assert.equal(await isRevoked("a"), false);
});

Deno.test("what could not be written down is not revoked", async () => {
  await using world = createWorld();
  const { isRevoked, revoke } = world.instance();
  await isRevoked("a");
  world.fail();
  await assert.rejects(revoke("a", world.clock.now() + HOUR_MS), StoreUnavailable);
  assert.equal(await isRevoked("a"), false);
});

Deno.test("a clock that is set back does not keep the list old", async () => {
  await using world = createWorld();
  let backMs = 0;
  const { isRevoked } = world.instance({
    ...world.clock,
    now: () => world.clock.now() - backMs,
  });
  await isRevoked("a");
  await revoke(world, "a");
  backMs = 60_000;
  assert.equal(await isRevoked("a"), true);
});

Deno.test("tokenIdOf() is one length for any jti, and differs for what differs", () => {
  const jtis = ["", "a", "A", "a ", "\0", "é", "e\u0301", "x".repeat(8_000)];
  const ids = jtis.map(tokenIdOf);
  assert.deepEqual([...new Set(ids.map(({ length }) => length))], [43]);
  assert.equal(new Set(ids).size, jtis.length);
});
