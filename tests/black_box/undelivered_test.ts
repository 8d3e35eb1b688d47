import assert from "node:assert/strict";
import { ignoredWithoutRedis } from "../support/needs_redis.ts";
import { twilioError } from "../support/scripted_twilio.ts";
import { agentText, newMessages } from "./notifications.ts";
import { readDeliveries } from "./shapes.ts";
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
      const listed = async (status: string) =>
        (await textsOf(world, session, `&status=${status}`))
          .map(({ messageIndex }) => messageIndex);
      const undelivered = () => listed("undelivered");
      assert.deepEqual(await outcomes(), [["sent", null], ["sent", null]]);
      assert.deepEqual([await listed("sent"), await listed("delivered")], [[1, 2], []]);

      await tellStatus(world, first, "sent");
      await tellStatus(world, first, "undelivered", { ErrorCode: "30003" });
      await tellStatus(world, part1, "delivered");
      assert.deepEqual(await outcomes(), [["undelivered", 30003], ["sent", null]]);
      assert.deepEqual(await undelivered(), [1]);
      assert.deepEqual([await listed("sent"), await listed("delivered")], [[2], []]);

      await tellStatus(world, part2, "failed", { ErrorCode: "30008" });
      assert.deepEqual(await outcomes(), [["undelivered", 30003], ["undelivered", 30008]]);
      assert.deepEqual(await undelivered(), [1, 2]);

      // What arrives after all has arrived.
      await tellStatus(world, part2, "delivered");
      assert.deepEqual(await outcomes(), [["undelivered", 30003], ["delivered", null]]);
      assert.deepEqual(await undelivered(), [1]);
      assert.deepEqual([await listed("sent"), await listed("delivered")], [[], [2]]);
    },
  });
}

Deno.test("a text of which only a part had left read as sent", async () => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store);
  const session = world.freshSession();
  await acceptWithPhone(world, session);
  const [first, second] = ["a".repeat(1530), `b ${session}`];
  world.twilio.answer(second, () => twilioError(400, 21614));
  await world.notify(newMessages(session, agentText(1, first + second)));
  await tellStatus(world, await world.twilio.asked(first), "delivered");
  const [text] = await deliveriesOf(world, session, ({ status }) => status === "dead");
  assert.equal(text?.outcome, null);
  for (const status of ["sent", "delivered", "undelivered"]) {
    assert.deepEqual(await textsOf(world, session, `&status=${status}`), [], status);
  }
});

Deno.test("a webhook's delivery is delivered by its status, and is among the texts that are", async () => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store);
  const consumer = await world.consumer({ eventTypes: ["session.messages_added"] });
  const session = world.freshSession();
  await acceptWithPhone(world, session);
  await world.notify(newMessages(session, agentText(1, "Hello")));
  await consumer.received(session, "session.messages_added");
  await deliveriesOf(world, session, ({ status }) => status === "delivered");
  const sinks = async (query: string) => {
    const answer = await world.admin.get(`/v1/deliveries?${query}`);
    assert.equal(answer.status, 200, answer.text);
    return readDeliveries(answer.json()).data.map(({ sink, outcome }) => [sink, outcome]);
  };
  const startedMs = performance.now();
  while ((await sinks("status=delivered")).length === 0) {
    assert.ok(performance.now() - startedMs < 10_000, "the webhook's delivery is not listed");
  }
  assert.deepEqual(await sinks("status=delivered"), [["webhook", null]]);
  assert.deepEqual(await sinks(`status=delivered&webhook=${consumer.id}`), [["webhook", null]]);
  assert.deepEqual(await sinks("status=sent"), [["sms", "sent"]]);
  assert.deepEqual(await sinks(`status=sent&webhook=${consumer.id}`), []);
  await tellStatus(world, await world.twilio.asked("Hello"), "read");
  assert.deepEqual((await sinks("status=delivered")).toSorted(), [
    ["sms", "delivered"],
    ["webhook", null],
  ]);
  assert.deepEqual(await sinks("status=sent"), []);
});
