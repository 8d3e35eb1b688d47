import assert from "node:assert/strict";
import { statusChange } from "./black_box/notifications.ts";
import { type Environment, runPatchbayToItsEnd } from "./support/patchbay_process.ts";
import { neverAnswers } from "./support/never_answers.ts";
import { openRedis, openSqliteFile, type TestStore } from "./black_box/stores.ts";
import { statusZero } from "./support/scripted_upstream.ts";
import { assertAccepted, assertInOrder, assertSigned } from "./black_box/webhook_assertions.ts";
import { startWorld, type World } from "./black_box/world.ts";
import { ignoredWithoutRedis } from "./support/needs_redis.ts";

const WORKERS = 2;
const SESSIONS = 40;
const EVENTS_PER_SESSION = 10;
const WITHIN_MS = 20_000;

const STORES: readonly (readonly [string, () => Promise<TestStore>, boolean])[] = [
  ["one SQLite file", openSqliteFile, false],
  ["one Redis", () => openRedis(), ignoredWithoutRedis()],
];

async function withWorkers(
  open: () => Promise<TestStore>,
  env: Environment,
  run: (world: World) => Promise<void>,
): Promise<void> {
  await using store = await open();
  await using world = await startWorld(
    store,
    { DENO_JOBS: String(WORKERS), ...env },
    "serve.ts",
  );
  await logged(world, "patchbay.worker_started");
  await run(world);
}

/** Resolves once each worker has written this line. */
async function logged(world: World, event: string): Promise<void> {
  const all = () => told(world, event) === WORKERS || undefined;
  await world.patchbay.log.until(`${WORKERS} × ${event}`, all, { timeoutMs: WITHIN_MS });
}

/** How many workers have written this line. */
function told({ patchbay }: World, event: string): number {
  return patchbay.log.items.filter((line) => line.event === event).length;
}

for (const [where, open, ignore] of STORES) {
  Deno.test({
    name: `workers of deno serve over ${where} deliver what any of them took, in order and once`,
    ignore,
    fn: () =>
      withWorkers(open, {}, async (world) => {
        const consumer = await world.consumer();
        const sessions = Array.from({ length: SESSIONS }, world.freshSession);
        // Each session has a connection of its own, and which worker gets that one is the kernel's choice.
        await Promise.all(sessions.map(async (session) => {
          for (let n = 1; n <= EVENTS_PER_SESSION; n++) {
            const answer = await world.notify(statusChange(session, `State ${n}`));
            assertAccepted(answer, { accepted: 1, duplicates: 0 });
          }
        }));
        for (const session of sessions) {
          await consumer.received(session, "session.status_changed", EVENTS_PER_SESSION, WITHIN_MS);
          assertInOrder(consumer, session, EVENTS_PER_SESSION);
        }
        assert.equal(consumer.attempts.items.length, SESSIONS * EVENTS_PER_SESSION);
        await assertSigned(consumer);
        assert.equal(await world.patchbay.stop(), 0);
        assert.equal(told(world, "patchbay.stopped"), WORKERS);
        for (const event of ["request.failed", "delivery.store_unavailable"]) {
          assert.equal(told(world, event), 0, event);
        }
      }),
  });
}

Deno.test("SIGTERM: what is open at any worker is answered, each drains, and the exit status is 0", async () => {
  await withWorkers(openSqliteFile, {}, async (world) => {
    const agent = await world.agent("agent-1");
    const release = Promise.withResolvers<void>();
    const sessions = Array.from({ length: 8 }, world.freshSession);
    for (const session of sessions) {
      world.upstream.answer(session, async ({ over }) => {
        await Promise.race([release.promise, over]);
        return statusZero();
      });
    }
    const accepting = Promise.all(sessions.map((session) => agent.accept(session)));
    // Where the test fails on the way, that is what has to be told.
    accepting.catch(() => {});
    await Promise.all(sessions.map((session) => world.upstream.asked(session)));
    world.patchbay.terminate();
    await logged(world, "patchbay.draining");
    release.resolve();
    for (const answer of await accepting) {
      assert.equal(answer.status, 200, answer.text);
    }
    assert.equal(await world.patchbay.exited, 0);
    assert.equal(told(world, "patchbay.stopped"), WORKERS);

    await world.startAnew();
    for (const session of sessions) {
      assert.equal((await agent.get(`/v1/sessions/${session}`)).status, 200);
    }
  });
});

Deno.test("SIGTERM while the contact centre does not answer at all: the workers end within DRAIN_MS", async () => {
  await withWorkers(openSqliteFile, { DRAIN_MS: "1000" }, async (world) => {
    const session = world.freshSession();
    world.upstream.answer(session, neverAnswers);
    const accepting = (await world.agent("agent-1")).accept(session).catch(() => null);
    await world.upstream.asked(session);
    const startedMs = performance.now();
    world.patchbay.terminate();
    assert.equal(await world.patchbay.exited, 0);
    const tookMs = Math.round(performance.now() - startedMs);
    // Without its own deadline it would wait for the whole of UPSTREAM_TIMEOUT_MS, 10 s.
    assert(tookMs < 5_000, `ended after ${tookMs} ms`);
    assert.equal(told(world, "patchbay.stopped"), WORKERS);
    const answer = await accepting;
    assert(answer === null || answer.status >= 500, answer?.text);
  });
});

Deno.test("workers that cannot be configured end with status 78 and say why", async () => {
  const { code, stderr } = await runPatchbayToItsEnd(
    { DENO_JOBS: String(WORKERS) },
    { program: "serve.ts" },
  );
  assert.equal(code, 78);
  assert.match(stderr, /UPSTREAM_URL/);
});
