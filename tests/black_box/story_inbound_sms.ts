import assert from "node:assert/strict";
import { agentText, newMessages, statusChange } from "./notifications.ts";
import { it, type Sentence } from "./sentence.ts";
import { readEvents } from "./shapes.ts";
import { bringText, callAsTwilio, customerText } from "./twilio_calls.ts";
import type { WebhookConsumer } from "./webhook_consumer.ts";
import { PUBLIC_URL, TWILIO_AUTH_TOKEN_NEXT, TWILIO_FROM } from "./world.ts";

/** What a customer's text becomes, and whose text is none. */
export const INBOUND_SMS_STORY: readonly Sentence[] = [
  it("a text is answered with an empty TwiML, never with words, and told with the session whose customer it is", async (world) => {
    const [session, phone] = [world.freshSession(), world.freshPhone()];
    const consumer = await world.consumer();
    const agent = await world.agent("agent-1");
    await agent.accept(session);
    const put = await agent.put(`/v1/sessions/${session}/customer`, { phone });
    assert.ok(put.status >= 200 && put.status < 300, put.text);

    const fields = customerText(world, phone, "Where is my parcel? ä + & = 😀");
    const answer = await bringText(world, fields);
    assert.equal(answer.status, 200, answer.text);
    assert.match(answer.headers.get("content-type") ?? "", /^text\/xml(;|$)/);
    assert.match(answer.text, /^(<\?xml[^>]*\?>)?\s*<Response\s*(\/>|><\/Response>)\s*$/);

    const { event } = await consumer.received(session, "sms.received");
    assert.equal(event.data.messageSid, fields.MessageSid);
    assert.equal(event.data.from, phone);
    assert.equal(event.data.to, TWILIO_FROM);
    assert.equal(event.data.text, fields.Body);
    assert.equal(event.data.agentId, "agent-1");
    assert.equal(event.data.sequence, 2);
  }),

  it("of two sessions with one customer the text goes to the one whose number was texted", async (world) => {
    const phone = world.freshPhone();
    const consumer = await world.consumer({ eventTypes: ["sms.received"] });
    const agent = await world.agent("agent-1");
    const numbers = new Map([
      [world.freshSession(), "+15005550021"],
      [world.freshSession(), "+15005550022"],
    ]);
    for (const [session, sender] of numbers) {
      await agent.accept(session);
      await agent.put(`/v1/sessions/${session}/customer`, { phone, sender });
    }
    for (const [session, sender] of [...numbers].toReversed()) {
      const answer = await bringText(world, customerText(world, phone, sender, { To: sender }));
      assert.equal(answer.status, 200, answer.text);
      assert.equal((await consumer.received(session, "sms.received")).event.data.to, sender);
    }
    assert.equal(consumer.attempts.items.length, 2);
  }),

  it("what is expunged is gone from the events, and another session's is not", async (world) => {
    const [expunged, kept] = [world.freshSession(), world.freshSession()];
    const consumer = await world.consumer({ eventTypes: ["sms.received"] });
    const agent = await world.agent("agent-1");
    const phones = new Map([[expunged, world.freshPhone()], [kept, world.freshPhone()]]);
    for (const [session, phone] of phones) {
      await agent.accept(session);
      await agent.put(`/v1/sessions/${session}/customer`, { phone });
      await bringText(world, customerText(world, phone, `Secret of ${session}`));
      await consumer.received(session, "sms.received");
    }
    const answer = await agent.post(`/v1/sessions/${expunged}/expunge`);
    assert.ok(answer.status >= 200 && answer.status < 300, answer.text);
    for (const [session, phone] of phones) {
      const { text } = await world.admin.get(`/v1/events?session=${session}&limit=100`);
      assert.ok(text.includes("sms.received"), text);
      assert.equal(text.includes(`Secret of ${session}`), session === kept);
      assert.equal(text.includes(phone.slice(1)), session === kept);
    }
  }),

  it("the session is found by the number in userData, and while it is open alone", async (world) => {
    const [session, phone] = [world.freshSession(), world.freshPhone()];
    const consumer = await world.consumer();
    const agent = await world.agent("agent-1");
    await agent.accept(session);
    await world.notify(
      statusChange(session, "Chatting", { userData: { PhoneNumber: phone.slice(1) } }),
    );
    await bringText(world, customerText(world, phone, "Hello"));
    await consumer.received(session, "sms.received");

    await agent.operate(session, "Complete");
    const late = customerText(world, phone, "Is anybody there?");
    assert.equal((await bringText(world, late)).status, 200);
    assert.equal((await receivedAs(consumer, late.MessageSid)).data.sessionId, null);
  }),

  it("a text of whom nobody knows is told without a session, and kept", async (world) => {
    const consumer = await world.consumer({ eventTypes: ["sms.received"] });
    const fields = customerText(world, world.freshPhone(), "Hello?");
    assert.equal((await bringText(world, fields)).status, 200);
    const { data } = await receivedAs(consumer, fields.MessageSid);
    assert.equal(data.sessionId, null);
    assert.equal(data.sequence, null);
    assert.equal(data.agentId, null);
    const kept = await world.admin.get("/v1/events?type=sms.received&limit=100");
    const ids = readEvents(kept.json()).data.map((event) => event.data.eventId);
    assert.ok(ids.includes(data.eventId), kept.text);
  }),

  it("a hundred copies at once, and some later, are one event", async (world) => {
    const [session, phone] = [world.freshSession(), world.freshPhone()];
    const consumer = await world.consumer();
    const agent = await world.agent("agent-1");
    await agent.accept(session);
    await agent.put(`/v1/sessions/${session}/customer`, { phone });
    const fields = customerText(world, phone, "Once");
    const answers = await Promise.all(Array.from({ length: 100 }, () => bringText(world, fields)));
    await consumer.received(session, "sms.received");
    answers.push(await bringText(world, fields), await bringText(world, fields));
    // A copy may be told to come again while another is being written down, but never gets any other answer.
    for (const { status, text } of answers) assert.ok([200, 503].includes(status), text);
    assert.ok(answers.some(({ status }) => status === 200));
    assert.equal(answers.at(-1)?.status, 200);

    await bringText(world, customerText(world, phone, "Twice"));
    await consumer.received(session, "sms.received", 3);
    const received = consumer.attempts.items.filter(({ event }) => event.type === "sms.received");
    assert.equal(received.length, 2);
  }),

  it("texts of one customer are told in the order in which they came", async (world) => {
    const [session, phone] = [world.freshSession(), world.freshPhone()];
    const consumer = await world.consumer({ eventTypes: ["sms.received"] });
    const agent = await world.agent("agent-1");
    await agent.accept(session);
    await agent.put(`/v1/sessions/${session}/customer`, { phone });
    const texts = Array.from({ length: 5 }, (_, index) => customerText(world, phone, `${index}`));
    for (const fields of texts) await bringText(world, fields);
    await consumer.received(session, "sms.received", 1 + texts.length);
    assert.deepEqual(
      consumer.about(session).map(({ event }) => event.data.messageSid),
      texts.map(({ MessageSid }) => MessageSid),
    );
  }),

  it("both auth tokens are accepted while one follows the other", async (world) => {
    const consumer = await world.consumer({ eventTypes: ["sms.received"] });
    const authToken = TWILIO_AUTH_TOKEN_NEXT;
    const fields = customerText(world, world.freshPhone(), "Signed with the next one");
    assert.equal((await bringText(world, fields, { authToken })).status, 200);
    await receivedAs(consumer, fields.MessageSid);
  }),

  it("a text without a good signature is refused, and nothing comes of it", async (world) => {
    const consumer = await world.consumer({ eventTypes: ["sms.received"] });
    const phone = world.freshPhone();
    const forged = customerText(world, phone, "Forged");
    const good = await bringText(world, customerText(world, phone, "Good"));
    assert.equal(good.status, 200);
    const refused = await Promise.all([
      bringText(world, forged, { signature: null }),
      bringText(world, forged, { signature: "" }),
      bringText(world, forged, { signature: "0".repeat(27) + "=" }),
      bringText(world, forged, { authToken: "another-token" }),
      // Signed for another place than the one it comes to.
      callAsTwilio(world, `${PUBLIC_URL}/ingress/twilio/sms?bodySHA256=0`, forged, {
        signature: "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
      }),
      // Well signed, but of somebody else's account, or with an impossible id, or none to have written it.
      bringText(world, { ...forged, AccountSid: `AC${"f".repeat(32)}` }),
      bringText(world, { ...forged, MessageSid: "SM1" }),
      bringText(world, { ...forged, From: "" }),
      bringText(world, { ...forged, Body: "x".repeat(70_000) }),
    ]);
    for (const answer of refused) {
      assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status} ${answer.text}`);
      assert.match(answer.headers.get("content-type") ?? "", /^application\/problem\+json/);
    }
    const last = customerText(world, phone, "Last");
    await bringText(world, last);
    await receivedAs(consumer, last.MessageSid);
    assert.ok(
      !consumer.attempts.items.some(({ event }) => event.data.messageSid === forged.MessageSid),
    );
  }),

  it("the answer leaves from the number that the customer texted", async (world) => {
    const [session, phone] = [world.freshSession(), world.freshPhone()];
    await (await world.agent("agent-1")).accept(session);
    const userData = { PhoneNumber: phone.slice(1), ToAddr: "15005550077" };
    await world.notify(statusChange(session, "Chatting", { userData }));
    await world.notify(newMessages(session, agentText(1, `Back to ${session}`)));
    const sent = await world.twilio.asked(`Back to ${session}`);
    assert.equal(sent.to, phone);
    assert.equal(sent.from, "+15005550077");
    assert.notEqual(sent.from, TWILIO_FROM);
  }),
];

/** The `sms.received` of this message, come or still to come. */
function receivedAs(consumer: WebhookConsumer, messageSid: string) {
  return consumer.attempts.until(
    `sms.received of ${messageSid}`,
    (items) =>
      items.map(({ event }) => event).find(({ type, data }) =>
        type === "sms.received" && data.messageSid === messageSid
      ),
  );
}
