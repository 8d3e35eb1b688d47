import assert from "node:assert/strict";
import { redisTest } from "../support/needs_redis.ts";
import type { Answer } from "./client.ts";
import { statusChange } from "./notifications.ts";
import type { LogLine } from "../support/patchbay_process.ts";
import { openRedis, type RedisTestStore } from "./stores.ts";
import { assertStoreUnavailable, backAgain } from "./store_away.ts";
import { startWorld, type World } from "./world.ts";

const BACK_WITHIN_MS = 10_000;

type Story = (world: World, redis: RedisTestStore["server"]) => Promise<void>;

/** A Patchbay over a Redis of its own. */
function story(says: string, run: Story): void {
  redisTest(says, async () => {
    await using store = await openRedis();
    await using world = await startWorld(store);
    await run(world, store.server);
  });
}

const HELLO = { operationName: "SendMessage", text: "hello" };

story(
  "who is known to hold a session goes on while Redis is gone, also when that lasts",
  async (world, redis) => {
    const session = world.freshSession();
    const holder = await world.agent("agent-1");
    const stranger = await world.agent("agent-2");
    const path = `/api/v2/me/smssessions/${session}`;
    assert.equal((await holder.accept(session)).status, 200);

    await redis.kill();
    const goneAtMs = performance.now();
    // Longer than a mapping that was read is believed while Redis answers.
    while (performance.now() - goneAtMs < 2_500) {
      for (const answer of [await holder.post(path, HELLO), await holder.get(`${path}/messages`)]) {
        assert.equal(answer.status, 200, answer.text);
      }
    }
    assertStoreUnavailable(await stranger.post(path, HELLO));
    assertStoreUnavailable(await holder.accept(world.freshSession()));
  },
);

story("a Redis that comes back empty wedges nothing", async (world, redis) => {
  const session = world.freshSession();
  const agent = await world.agent("agent-1");
  const lost = await world.consumer();
  assert.equal((await agent.accept(session)).status, 200);
  await lost.received(session, "session.accepted");
  const before = lost.attempts.items.length;

  await redis.cli("FLUSHALL");

  assert.deepEqual(dataOf(await world.admin.get("/v1/webhooks")), []);
  assert.deepEqual(dataOf(await world.admin.get("/v1/sessions")), []);
  // The instance remembers the list of before, and is told that it is stale.
  assert.equal((await world.notify(statusChange(session, "Lost"))).status, 202);
  const found = await world.consumer();
  assert.equal((await world.notify(statusChange(session, "Found"))).status, 202);
  const { event } = await found.received(session, "session.status_changed");
  assert.equal(event.data.sequence, 2, "what was published while nobody listened counts");
  assert.equal((await agent.accept(session)).status, 200);
  await found.received(session, "session.accepted");
  assert.equal(found.attempts.items.length, 2);
  assert.equal(lost.attempts.items.length, before);
});

story("a Redis that has forgotten the scripts is taught them anew", async (world, redis) => {
  const consumer = await world.consumer();
  const agent = await world.agent("agent-1");
  for (let round = 0; round < 3; round++) {
    const session = world.freshSession();
    await redis.cli("SCRIPT", "FLUSH");
    assert.equal((await agent.accept(session)).status, 200);
    await consumer.received(session, "session.accepted");
    assert.equal((await world.notify(statusChange(session, "Chatting"))).status, 202);
    await consumer.received(session, "session.status_changed");
  }
});

interface Refusal {
  /** The code of the error replies. */
  readonly code: string;
  readonly begin: readonly (readonly string[])[];
  readonly end: readonly (readonly string[])[];
}

const REFUSALS: Readonly<Record<string, Refusal>> = {
  "has no memory left": {
    code: "OOM",
    begin: [["CONFIG", "SET", "maxmemory-policy", "noeviction"], [
      "CONFIG",
      "SET",
      "maxmemory",
      "1",
    ]],
    end: [["CONFIG", "SET", "maxmemory", "0"]],
  },
  "has become a replica": {
    code: "READONLY",
    // Of a master that is not there: what matters is what it says to whoever wants to write.
    begin: [["REPLICAOF", "127.0.0.1", "1"]],
    end: [["REPLICAOF", "NO", "ONE"]],
  },
};

for (const [what, { code, begin, end }] of Object.entries(REFUSALS)) {
  story(
    `a Redis that ${what} is told by its word in the log, and used again afterwards`,
    async (world, redis) => {
      const session = world.freshSession();
      const agent = await world.agent("agent-1");
      const consumer = await world.consumer();

      for (const command of begin) await redis.cli(...command);
      assertStoreUnavailable(await agent.accept(session));
      assertStoreUnavailable(await world.notify(statusChange(session, "a-word-of-the-customer")));
      await world.patchbay.log.until(`a line that says ${code}`, (lines) => {
        const reasons = lines.filter(({ event }) => event === "request.failed").map(reasonOf);
        return reasons.filter((reason) => reason.endsWith(`: ${code}`)).length >= 2 || undefined;
      });
      assert.equal(world.upstream.about(session).length, 0);
      for (const command of end) await redis.cli(...command);

      await backAgain(() => world.notify(statusChange(session, "Chatting")), 202, BACK_WITHIN_MS);
      await consumer.received(session, "session.status_changed");
      assert.equal((await agent.accept(session)).status, 200);
      const log = JSON.stringify(world.patchbay.log.items);
      assert.ok(!log.includes("a-word-of-the-customer"));
    },
  );
}

function reasonOf({ reason }: LogLine): string {
  return typeof reason === "string" ? reason : "";
}

function dataOf(answer: Answer): unknown {
  const body = answer.json();
  assert.ok(typeof body === "object" && body !== null && "data" in body, answer.text);
  return body.data;
}
