import assert from "node:assert/strict";
import { ignoredWithoutRedis } from "../support/needs_redis.ts";
import { agentText, newMessages } from "./notifications.ts";
import { openRedis, openSqliteFile, type TestStore } from "./stores.ts";
import { acceptWithPhone } from "./story_sms_status.ts";
import { deliveriesOf, textsOf } from "./texts.ts";
import { tellStatus } from "./twilio_calls.ts";
import { startWorld } from "./world.ts";

const STORES: readonly (readonly [string, () => Promise<TestStore>, boolean])[] = [
  ["SQLite", openSqliteFile, false],
  ["Redis", () => openRedis(), ignoredWithoutRedis()],
];

for (const [where, open, ignore] of STORES) {
  Deno.test({
    name: `a text that Twilio reported undelivered read as delivered (${where})`,
    ignore,
    async fn() {
      await using store = await open();
      await using world = await startWorld(store);
      const session = world.freshSession();
      await acceptWithPhone(world, session);
      const body = `Hello ${session}`;
      const long = ["a".repeat(1530), `b ${session}`] as const;
      await world.notify(newMessages(session, agentText(1, body), agentText(2, long.join(""))));
      const [first, part1, part2] = [
        await world.twilio.asked(body),
        await world.twilio.asked(long[0]),
        await world.twilio.asked(long[1]),
      ];
      await deliveriesOf(world, session, ({ status }) => status === "delivered", 2);
      const outcomes = async () =>
        (await textsOf(world, session)).map(({ outcome, errorCode }) => [outcome, errorCode]);
      const undelivered = async () =>
        (await textsOf(world, session, "&status=undelivered"))
          .map(({ messageIndex }) => messageIndex);
      assert.deepEqual(await outcomes(), [["sent", null], ["sent", null]]);

      await tellStatus(world, first, "sent");
      await tellStatus(world, first, "undelivered", { ErrorCode: "30003" });
      await tellStatus(world, part1, "delivered");
      assert.deepEqual(await outcomes(), [["undelivered", 30003], ["sent", null]]);
      assert.deepEqual(await undelivered(), [1]);

      await tellStatus(world, part2, "failed", { ErrorCode: "30008" });
      assert.deepEqual(await outcomes(), [["undelivered", 30003], ["undelivered", 30008]]);
      assert.deepEqual(await undelivered(), [1, 2]);

      // What arrives after all has arrived.
      await tellStatus(world, part2, "delivered");
      assert.deepEqual(await outcomes(), [["undelivered", 30003], ["delivered", null]]);
      assert.deepEqual(await undelivered(), [1]);
    },
  });
}
