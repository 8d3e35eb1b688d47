import assert from "node:assert/strict";
import { startDeadline } from "../../../../services/store/redis/deadline.ts";
import { NoAnswer } from "../../../../services/store/redis/no_answer.ts";
import { createRespLink } from "../../../../services/store/redis/resp_link.ts";
import { createUpstashTransport } from "../../../../services/store/redis/upstash_transport.ts";
import { startRedisServer } from "../../../../simulator/kit/redis_server.ts";
import { startAnnouncedProgram } from "../../../support/program_process.ts";
import { redisCommand } from "../../../support/redis_command.ts";
import { redisTest } from "../../../support/needs_redis.ts";

/** A clock whose timers a test calls when it wants to, which may be late. */
function lateClock() {
  let nowMs = 0;
  const armed: { delayMs: number; run: () => void }[] = [];
  return {
    now: () => nowMs,
    after(delayMs: number, run: () => void) {
      armed.push({ delayMs, run });
      return { cancel: () => void armed.pop() };
    },
    armed,
    /** Calls the timer that is armed, at this time. */
    fireAt(atMs: number) {
      nowMs = atMs;
      armed.shift()?.run();
    },
  };
}

for (
  const [says, firedAtMs, putOffMs] of [
    ["a deadline that is over in time is put off for a last look", 1_500, 10],
    ["one that is found over late is put off by as much", 1_900, 410],
    ["but not for ever", 60_000, 1_010],
  ] as const
) {
  Deno.test(says, async () => {
    const clock = lateClock();
    const deadline = startDeadline(clock, 1_500);
    assert.deepEqual(clock.armed.map(({ delayMs }) => delayMs), [1_500]);
    clock.fireAt(firedAtMs);
    assert.equal(deadline.isMissed(), false);
    assert.deepEqual(clock.armed.map(({ delayMs }) => delayMs), [putOffMs]);
    clock.fireAt(firedAtMs + putOffMs);
    assert.equal(deadline.isMissed(), true);
    await assert.rejects(deadline.passed, new NoAnswer("no answer within 1500 ms"));
  });
}

Deno.test("a deadline that is cancelled during its last look is not missed", () => {
  const clock = lateClock();
  const deadline = startDeadline(clock, 1_500);
  clock.fireAt(1_500);
  deadline.cancel();
  assert.deepEqual(clock.armed, []);
});

const DEADLINE_MS = 500;

/** Nothing of this process gets a turn for longer than the deadline. */
function holdUp(): void {
  const startedMs = performance.now();
  while (performance.now() - startedMs < 3 * DEADLINE_MS) { /* as a collector of garbage would */ }
}

redisTest("over RESP an answer that came while the process was held up counts", async () => {
  await using server = await startRedisServer();
  const link = createRespLink({ url: server.url, deadlineMs: DEADLINE_MS, longestBackoffMs: 0 });
  await connected(() => link.send([["PING"]]));
  const answer = link.send([["PING"]]);
  holdUp();
  assert.deepEqual(await answer, ["PONG"]);
  await link.close();
});

redisTest("over REST as well", async () => {
  // In a process of its own, which is not held up.
  await using upstash = await startAnnouncedProgram({
    main: "simulator/upstash/main.ts",
    args: ["--port", "0", "--token", "test"],
  }, /^export UPSTASH_REDIS_REST_URL=(\S+)$/);
  const { url } = upstash;
  const transport = createUpstashTransport({ url, token: "test", deadlineMs: DEADLINE_MS });
  await connected(() => redisCommand(transport, ["PING"]));
  const answer = redisCommand(transport, ["PING"]);
  holdUp();
  assert.equal(await answer, "PONG");
  await transport.close();
});

/** The first time it may take longer than this short deadline. */
async function connected(ask: () => Promise<unknown>): Promise<void> {
  while (await ask().then(() => false, () => true));
}
