import assert from "node:assert/strict";
import { agentText, newMessages, statusChange } from "./notifications.ts";
import { it, type Sentence } from "./sentence.ts";
import type { Event } from "./shapes.ts";
import { callAsTwilio, callbackOf, statusFields, tellStatus } from "./twilio_calls.ts";
import { assertInOrder, told } from "./webhook_assertions.ts";
import { PUBLIC_URL, type World } from "./world.ts";

const DELIVERED = ["queued", "sending", "sent", "delivered"];

/** What becomes of a text after Twilio has taken it. */
export const SMS_STATUS_STORY: readonly Sentence[] = [
  ...[
    DELIVERED,
    DELIVERED.toReversed(),
    ["sent", "delivered", "sent", "queued", "delivered"],
  ].map((statuses) =>
    it(`told ${statuses.join(", ")}, a text was sent and delivered, each once`, async (world) => {
      const { session, consumer, sent } = await textSent(world);
      assert.ok(callbackOf(sent).startsWith(`${PUBLIC_URL}/ingress/twilio/status`));
      for (const status of statuses) await tellStatus(world, sent, status);
      await consumer.received(session, "sms.delivered");
      const events = await allOf(world, session, consumer);
      assert.deepEqual(events.map(({ type }) => type), ["sms.sent", "sms.delivered"]);
      for (const { data } of events) {
        assert.equal(data.messageSid, sent.sid);
        assert.equal(data.messageIndex, 1);
        assert.equal(data.agentId, "agent-1");
      }
    })
  ),

  ...[["sent", "undelivered"], ["failed", "sent", "failed"]].map((statuses) =>
    it(`told ${statuses.join(", ")}, a text has failed, once, with Twilio's code`, async (world) => {
      const { session, consumer, sent } = await textSent(world);
      for (const status of statuses) {
        const failed = status === "sent" ? {} : { ErrorCode: "30006" };
        await tellStatus(world, sent, status, failed);
      }
      const { event } = await consumer.received(session, "sms.failed");
      assert.equal(Number(event.data.errorCode), 30006);
      assert.equal(event.data.messageSid, sent.sid);
      const events = await allOf(world, session, consumer);
      assert.deepEqual(events.map(({ type }) => type), ["sms.sent", "sms.failed"]);
    })
  ),

  it("a text that has arrived has not failed, whatever comes later; one that failed may still arrive", async (world) => {
    const failed = { ErrorCode: "30008" };
    const arrived = await textSent(world);
    await tellStatus(world, arrived.sent, "delivered");
    await tellStatus(world, arrived.sent, "undelivered", failed);
    const first = await allOf(world, arrived.session, arrived.consumer);
    assert.deepEqual(first.map(({ type }) => type), ["sms.sent", "sms.delivered"]);

    const late = await textSent(world);
    await tellStatus(world, late.sent, "undelivered", failed);
    await tellStatus(world, late.sent, "delivered");
    const second = await allOf(world, late.session, late.consumer);
    assert.deepEqual(second.map(({ type }) => type), ["sms.sent", "sms.failed", "sms.delivered"]);
  }),

  it("a long text leaves in parts, in order, and has arrived once each of them has", async (world) => {
    const session = world.freshSession();
    const consumer = await world.consumer();
    const phone = await acceptWithPhone(world, session);
    const words = Array.from({ length: 250 }, (_, index) => `word${index}`).join(" ");
    await world.notify(newMessages(session, agentText(1, words)));
    await consumer.received(session, "sms.sent");
    const parts = world.twilio.texts.items.filter(({ to }) => to === phone);
    const [first, second, ...more] = parts;
    assert.ok(first && second && more.length === 0, `${parts.length} parts`);
    assert.equal(parts.map(({ body }) => body.trim()).join(" "), words);
    assert.ok(parts.every(({ body }) => body.length <= 1600));

    // The reports of the first come late and in the wrong order.
    for (const status of ["delivered", "sent", "queued"]) await tellStatus(world, first, status);
    const before = await allOf(world, session, consumer);
    assert.deepEqual(before.map(({ type }) => type), ["sms.sent"]);
    await tellStatus(world, second, "delivered");
    const { event } = await consumer.received(session, "sms.delivered");
    assert.equal(event.data.messageSid, first.sid);
    assert.equal(event.data.messageIndex, 1);
  }),

  it("a report that is here before Twilio's answer counts as well", async (world) => {
    const session = world.freshSession();
    const consumer = await world.consumer();
    await acceptWithPhone(world, session);
    const body = `Early ${session}`;
    world.twilio.answer(body, async (sent) => {
      for (const status of ["sent", "delivered"]) await tellStatus(world, sent, status);
      return null;
    });
    await world.notify(newMessages(session, agentText(1, body)));
    await consumer.received(session, "sms.sent");
    await consumer.received(session, "sms.delivered");
    const events = await allOf(world, session, consumer);
    assert.deepEqual(events.map(({ type }) => type).toSorted(), ["sms.delivered", "sms.sent"]);
    assert.equal(world.twilio.count(body), 1);
  }),

  it("a report without a good signature is refused, and so is one signed for another address", async (world) => {
    const { session, consumer, sent } = await textSent(world);
    const fields = statusFields(world, sent, "failed", { ErrorCode: "30006" });
    const url = callbackOf(sent);
    const refused = await Promise.all([
      callAsTwilio(world, url, fields, { signature: null }),
      callAsTwilio(world, url, fields, { authToken: "another-token" }),
      callAsTwilio(world, url, { ...fields, AccountSid: `AC${"f".repeat(32)}` }),
    ]);
    for (const { status, text } of refused) assert.ok(status >= 400 && status < 500, text);
    const events = await allOf(world, session, consumer);
    assert.deepEqual(events.map(({ type }) => type), ["sms.sent"]);
  }),
];

/** A session of agent-1 whose customer has a number; gives that number. */
export async function acceptWithPhone(world: World, session: string): Promise<string> {
  const phone = world.freshPhone();
  await (await world.agent("agent-1")).accept(session);
  await world.notify(
    statusChange(session, "Chatting", { userData: { PhoneNumber: phone.slice(1) } }),
  );
  return phone;
}

/** A text that Twilio has taken, and whose `sms.sent` the consumer has got. */
async function textSent(world: World) {
  const session = world.freshSession();
  const consumer = await world.consumer();
  await acceptWithPhone(world, session);
  const body = `Followed ${session}`;
  await world.notify(newMessages(session, agentText(1, body)));
  await consumer.received(session, "sms.sent");
  return { session, consumer, sent: await world.twilio.asked(body) };
}

/** The session's `sms.*` events up to now: what is notified next comes after them, without a gap. */
async function allOf(
  world: World,
  session: string,
  consumer: Awaited<ReturnType<World["consumer"]>>,
): Promise<readonly Event[]> {
  await world.notify(statusChange(session, "Last"));
  const { event } = await consumer.attempts.until(
    `the last event of ${session}`,
    (items) => items.find(({ text }) => text.includes(session) && text.includes(`"Last"`)),
  );
  assertInOrder(consumer, session, event.data.sequence ?? 0);
  return told(consumer, session).filter(({ type }) => type.startsWith("sms."));
}
