import assert from "node:assert/strict";
import { agentText, newMessages, statusChange, upstreamTime } from "./notifications.ts";
import { it, type Sentence } from "./sentence.ts";
import { readDeliveries, readSession } from "./shapes.ts";
import { twilioError } from "../support/scripted_twilio.ts";
import { assertAccepted, assertInOrder } from "./webhook_assertions.ts";
import { TWILIO_FROM, type World } from "./world.ts";

const PHONE = { userData: { PhoneNumber: "16501110001" } };

/** What leaves as SMS, to whom, and how often. */
export const SMS_STORY: readonly Sentence[] = [
  it("an agent's text goes to the number in userData, once, and sms.sent tells so", async (world) => {
    const session = world.freshSession();
    const consumer = await world.consumer();
    await (await world.agent("agent-1")).accept(session);
    await world.notify(statusChange(session, "Chatting", PHONE));
    const message = newMessages(session, agentText(3, `Good morning ${session}`));
    assertAccepted(await world.notify(message), { accepted: 1, duplicates: 0 });
    assertAccepted(await world.notify(message), { accepted: 0, duplicates: 1 });

    const { event } = await consumer.received(session, "sms.sent");
    const sent = await world.twilio.asked(`Good morning ${session}`);
    assert.equal(sent.to, "+16501110001");
    assert.equal(sent.from, TWILIO_FROM);
    const { accountSid, authToken } = world.twilio;
    assert.equal(sent.authorization, `Basic ${btoa(`${accountSid}:${authToken}`)}`);
    assert.equal(event.data.messageIndex, 3);
    assert.equal(event.data.messageSid, sent.sid);
    assert.equal(event.data.agentId, "agent-1");

    // What comes after it in the same lane shows that it was not sent again.
    await world.notify(newMessages(session, agentText(4, `And again ${session}`)));
    await consumer.received(session, "sms.sent", 6);
    assert.equal(world.twilio.count(sent.body), 1);
    assertInOrder(consumer, session, 6);
  }),

  it("the number from PUT customer goes before the one in userData, and is shown masked", async (world) => {
    const session = world.freshSession();
    const agent = await world.agent("agent-1");
    await agent.accept(session);
    await world.notify(statusChange(session, "Chatting", PHONE));
    const customer = { phone: "+16501119876", sender: "+15005550099" };
    const answer = await agent.put(`/v1/sessions/${session}/customer`, customer);
    assert.ok(answer.status >= 200 && answer.status < 300, answer.text);
    const read = await agent.get(`/v1/sessions/${session}`);
    assert.deepEqual(readSession(read.json()).customer, { phone: "…9876" });
    assert.ok(!read.text.includes("1650111"));

    await world.notify(newMessages(session, agentText(1, `To the other ${session}`)));
    const sent = await world.twilio.asked(`To the other ${session}`);
    assert.equal(sent.to, "+16501119876");
    assert.equal(sent.from, "+15005550099");
  }),

  ...["FromAddr", "_smsSrcNumber"].map((key) =>
    it(`the number may be in ${key} as well`, async (world) => {
      const session = world.freshSession();
      await (await world.agent("agent-1")).accept(session);
      await world.notify(statusChange(session, "Chatting", { userData: { [key]: "16501110002" } }));
      await world.notify(newMessages(session, agentText(1, `By ${key} ${session}`)));
      assert.equal((await world.twilio.asked(`By ${key} ${session}`)).to, "+16501110002");
    })
  ),

  it("the history that Accept replays is not sent, nor anything that is not an agent's word to all", async (world) => {
    const session = world.freshSession();
    await (await world.agent("agent-1")).accept(session);
    await world.notify(statusChange(session, "Chatting", PHONE));
    const not = (index: number, members: Readonly<Record<string, unknown>>) =>
      agentText(index, `Not ${index} ${session}`, members);
    const from = (type: string) => ({ from: { type, nickname: "P", participantId: "0A" } });
    const before = upstreamTime(Date.now() - 3_600_000);
    await world.notify(newMessages(
      session,
      not(1, { timestamp: "2014-01-02T14:23:20.126-0800" }),
      not(2, { timestamp: before.replace("T", " ") }),
      not(3, { visibility: "Agents" }),
      not(4, from("Customer")),
      not(5, from("External")),
      not(6, { type: "CustomNotice" }),
      not(7, { type: "TypingStarted" }),
      not(8, { type: "Notice" }),
      agentText(9, `Sent ${session}`),
      agentText(10, "", {
        type: "PushUrl",
        text: undefined,
        url: `https://shop.example/${session}`,
      }),
      agentText(11, `Last ${session}`),
    ));
    await world.twilio.asked(`Last ${session}`);
    const sent = world.twilio.texts.items.map(({ body }) => body);
    assert.deepEqual(sent.filter((body) => body.includes(session)), [
      `Sent ${session}`,
      `https://shop.example/${session}`,
      `Last ${session}`,
    ]);
  }),

  it("nothing is sent for a session that nobody accepted here", async (world) => {
    const [unmapped, mapped] = [world.freshSession(), world.freshSession()];
    const consumer = await world.consumer();
    await world.notify([
      statusChange(unmapped, "Chatting", PHONE),
      newMessages(unmapped, agentText(1, `Unmapped ${unmapped}`)),
    ]);
    await consumer.received(unmapped, "session.messages_added");
    await (await world.agent("agent-1")).accept(mapped);
    await world.notify([
      statusChange(mapped, "Chatting", PHONE),
      newMessages(mapped, agentText(1, `Mapped ${mapped}`)),
    ]);
    await world.twilio.asked(`Mapped ${mapped}`);
    assert.equal(world.twilio.count(`Unmapped ${unmapped}`), 0);
  }),

  it("a text that Twilio has surely not taken is tried again", async (world) => {
    const session = world.freshSession();
    const consumer = await acceptWithPhone(world, session);
    let asked = 0;
    const body = `Too many ${session}`;
    world.twilio.answer(body, () => ++asked === 1 ? twilioError(429, 20429) : null);
    await world.notify(newMessages(session, agentText(1, body)));
    await consumer.received(session, "sms.sent");
    assert.equal(asked, 2);
  }),

  it("a text whose fate cannot be known is not repeated, and its delivery is unknown", async (world) => {
    const session = world.freshSession();
    const consumer = await acceptWithPhone(world, session);
    const body = `Ambiguous ${session}`;
    world.twilio.answer(body, () => twilioError(500, 20500));
    await world.notify(newMessages(session, agentText(1, body), agentText(2, `After ${session}`)));
    const { event } = await consumer.received(session, "sms.sent");
    assert.equal(event.data.messageIndex, 2);
    assert.equal(world.twilio.count(body), 1);
    const unknown = await world.admin.get("/v1/deliveries?status=unknown");
    assert.equal(readDeliveries(unknown.json()).data.length, 1);
  }),

  it("a text that Twilio refuses is told as sms.failed with Twilio's code", async (world) => {
    const session = world.freshSession();
    const consumer = await acceptWithPhone(world, session);
    const body = `Refused ${session}`;
    world.twilio.answer(body, () => twilioError(400, 21211));
    await world.notify(newMessages(session, agentText(1, body)));
    const { event } = await consumer.received(session, "sms.failed");
    assert.equal(event.data.messageIndex, 1);
    assert.equal(Number(event.data.errorCode), 21211);
    assert.equal(world.twilio.count(body), 1);
  }),
];

async function acceptWithPhone(world: World, session: string) {
  const consumer = await world.consumer({ eventTypes: ["sms.*"] });
  await (await world.agent("agent-1")).accept(session);
  await world.notify(statusChange(session, "Chatting", PHONE));
  return consumer;
}
