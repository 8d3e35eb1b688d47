import assert from "node:assert/strict";
import { type Answer, request } from "./client.ts";
import { statusChange } from "./notifications.ts";
import { assertProblem } from "./problem.ts";
import { DISKS } from "./small_disk.ts";
import { statusZero } from "../support/scripted_upstream.ts";
import { assertAccepted, assertInOrder } from "./webhook_assertions.ts";
import { startWorld } from "./world.ts";

const WITHIN_MS = 20_000;

for (const { says, reason, ignore, open } of DISKS) {
  Deno.test({
    name:
      `${says}: what would write is refused whole, reads go on, and all goes on once there is room`,
    ignore,
    async fn() {
      await using disk = await open();
      await using world = await startWorld(disk.store);
      const agent = await world.agent("agent-1");
      const [held, accepting, refused] = [
        world.freshSession(),
        world.freshSession(),
        world.freshSession(),
      ];
      const consumer = await world.consumer();
      assert.equal((await agent.accept(held)).status, 200);
      assertAccepted(await world.notify(statusChange(held, "Before")), {
        accepted: 1,
        duplicates: 0,
      });
      await consumer.received(held, "session.status_changed", 2);
      const release = Promise.withResolvers<void>();
      world.upstream.answer(accepting, async ({ over }) => {
        await Promise.race([release.promise, over]);
        return statusZero();
      });
      const answered = agent.accept(accepting);
      // Where the test fails on the way, that is what has to be told.
      answered.catch(() => {});
      await world.upstream.asked(accepting);

      await disk.leave(world.patchbay, 0);
      assertUnavailable(
        await world.notify([
          statusChange(held, "Refused"),
          statusChange(refused, "Refused"),
        ]),
      );
      assertUnavailable(await agent.accept(refused));
      assert.equal(world.upstream.about(refused).length, 0);
      for (const path of ["/v1/sessions", `/v1/sessions/${held}`]) {
        assert.equal((await agent.get(path)).status, 200, path);
      }
      for (const what of ["events", "deliveries", "webhooks"]) {
        assert.equal((await world.admin.get(`/v1/${what}`)).status, 200, what);
      }
      const sent = await agent.operate(held, "SendMessage", { text: "hello" });
      assert.equal(sent.status, 200, sent.text);
      // The contact centre has taken this Accept: it is written down as soon as that is possible.
      release.resolve();
      assert.equal((await answered).status, 200);
      assert.equal((await request(`${world.patchbay.url}/healthz`)).status, 200);
      const { log } = world.patchbay;
      await log.until(`two refusals for: ${reason}`, (lines) => {
        const refusals = lines.filter(({ event }) => event === "request.failed");
        return refusals.filter((line) => line.reason === reason).length >= 2 || undefined;
      });

      // Room for a part of it.
      await disk.leave(world.patchbay, 64 * 1_024);
      const many = Array.from({ length: 300 }, (_, n) => statusChange(refused, `Refused ${n}`));
      assertUnavailable(await world.notify(many));
      const kept = await world.admin.get(`/v1/events?session=${refused}`);
      assert.deepEqual(kept.json(), { data: [], nextCursor: null });

      await disk.accept(world.patchbay);
      const [first, second] = await Promise.all([
        untilTaken(() => world.notify(statusChange(held, "After"))),
        untilTaken(() => world.notify(statusChange(refused, "After"))),
      ]);
      assert.deepEqual([first, second], [202, 202]);
      await consumer.received(held, "session.status_changed", 3, WITHIN_MS);
      await consumer.received(refused, "session.status_changed", 1, WITHIN_MS);
      await consumer.received(accepting, "session.accepted", 1, WITHIN_MS);
      // Had anything of the refused been kept, a sequence would be taken.
      assertInOrder(consumer, held, 3);
      assertInOrder(consumer, refused, 1);
      assert.equal((await agent.get(`/v1/sessions/${refused}`)).status, 404);
      assert.equal((await agent.get(`/v1/sessions/${accepting}`)).status, 200);
      assert.equal(await world.patchbay.stop(), 0);
      assert.equal(log.items.some(({ event }) => event === "request.crashed"), false);
    },
  });
}

function assertUnavailable(answer: Answer): void {
  assertProblem(answer, "store-unavailable");
  assert(Number(answer.headers.get("retry-after")) > 0);
}

async function untilTaken(ask: () => Promise<Answer>): Promise<number> {
  const startedMs = performance.now();
  for (;;) {
    const { status } = await ask();
    if (status !== 503 || performance.now() - startedMs > WITHIN_MS) return status;
  }
}
