import assert from "node:assert/strict";
import { agentText, newMessages } from "./notifications.ts";
import { it, type Sentence } from "./sentence.ts";
import { acceptWithPhone } from "./story_sms_status.ts";
import { bringText, customerText, tellStatus } from "./twilio_calls.ts";
import { twilioError } from "../support/scripted_twilio.ts";
import type { RegisteredConsumer, World } from "./world.ts";

/** Who wants no texts gets none, until they say otherwise. */
export const OPT_OUT_STORY: readonly Sentence[] = [
  ...[["STOP", {}], [" unsubscribe ", {}], ["Halt", { OptOutType: "STOP" }]].map((
    [word, members],
  ) =>
    it(`after ${JSON.stringify(word)} nothing leaves, until START`, async (world) => {
      const { session, phone, consumer } = await customer(world);
      const out = await bringText(world, customerText(world, phone, String(word), Object(members)));
      assert.equal(out.status, 200);
      assert.ok(!out.text.includes("<Message"), "Patchbay never answers such a text");
      await consumer.told("customer.opted_out");

      await say(world, session, 1);
      const { event } = await consumer.received(session, "sms.failed");
      assert.equal(event.data.messageIndex, 1);
      assert.equal(Number(event.data.errorCode), 21610);
      assert.equal(world.twilio.count(bodyOf(session, 1)), 0);

      await bringText(world, customerText(world, phone, "Start"));
      await consumer.told("customer.opted_in");
      await say(world, session, 2);
      await world.twilio.asked(bodyOf(session, 2));
      await consumer.received(session, "sms.sent");
      assert.equal(world.twilio.count(bodyOf(session, 1)), 0);
    })
  ),

  it("what only contains such a word is no opt-out", async (world) => {
    const { session, phone, consumer } = await customer(world);
    for (const body of ["Please do not stop", "STOP PLEASE", "stopping"]) {
      await bringText(world, customerText(world, phone, body));
    }
    await say(world, session, 1);
    await world.twilio.asked(bodyOf(session, 1));
    await consumer.received(session, "sms.sent");
    assert.ok(!consumer.attempts.items.some(({ event }) => event.type === "customer.opted_out"));
  }),

  it("STOP before the first session counts in every later one", async (world) => {
    const phone = world.freshPhone();
    const session = world.freshSession();
    await bringText(world, customerText(world, phone, "STOP"));
    const consumer = await world.consumer();
    const agent = await world.agent("agent-1");
    await agent.accept(session);
    await agent.put(`/v1/sessions/${session}/customer`, { phone });
    await say(world, session, 1);
    await consumer.received(session, "sms.failed");
    assert.equal(world.twilio.count(bodyOf(session, 1)), 0);
  }),

  it("whom Twilio calls opted out in its answer is not tried a second time", async (world) => {
    const { session, consumer } = await customer(world);
    world.twilio.answer(bodyOf(session, 1), () => twilioError(400, 21610));
    await say(world, session, 1);
    await consumer.told("customer.opted_out");
    await say(world, session, 2);
    await consumer.attempts.until(
      "two failures",
      (items) =>
        items.filter(({ event }) =>
          event.type === "sms.failed" && Number(event.data.errorCode) === 21610
        )[1],
    );
    assert.equal(world.twilio.count(bodyOf(session, 1)), 1);
    assert.equal(world.twilio.count(bodyOf(session, 2)), 0);
  }),

  it("and so is whom Twilio calls opted out in a report", async (world) => {
    const { session, consumer } = await customer(world);
    await say(world, session, 1);
    const sent = await world.twilio.asked(bodyOf(session, 1));
    await tellStatus(world, sent, "undelivered", { ErrorCode: "21610" });
    await consumer.told("customer.opted_out");
    await say(world, session, 2);
    await consumer.attempts.until(
      "the second text's failure",
      (items) =>
        items.find(({ event }) => event.type === "sms.failed" && event.data.messageIndex === 2),
    );
    assert.equal(world.twilio.count(bodyOf(session, 2)), 0);
  }),
];

interface Listening extends RegisteredConsumer {
  /** The first event of this type, about whichever session. */
  told(type: string): Promise<unknown>;
}

/** A customer in a session of agent-1, and a consumer who hears all that happens. */
async function customer(world: World) {
  const session = world.freshSession();
  const registered = await world.consumer();
  const consumer: Listening = {
    ...registered,
    told: (type) =>
      registered.attempts.until(type, (items) => items.find(({ event }) => event.type === type)),
  };
  return { session, consumer, phone: await acceptWithPhone(world, session) };
}

async function say(world: World, session: string, index: number): Promise<void> {
  await world.notify(newMessages(session, agentText(index, bodyOf(session, index))));
}

function bodyOf(session: string, index: number): string {
  return `Word ${index} in ${session}`;
}
