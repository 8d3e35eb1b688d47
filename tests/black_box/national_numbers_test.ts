import assert from "node:assert/strict";
import { agentText, newMessages, statusChange } from "./notifications.ts";
import { assertProblem } from "./problem.ts";
import { readDeliveries, readDelivery } from "./shapes.ts";
import { openSqliteFile } from "./stores.ts";
import { bringText, customerText } from "./twilio_calls.ts";
import { historyOf, textsOf } from "./texts.ts";
import { startWorld, type World } from "./world.ts";

/** agent-1 holds a session whose data upstream tells, and says something in it. */
async function say(world: World, userData: Readonly<Record<string, unknown>>) {
  const session = world.freshSession();
  const consumer = await world.consumer({ eventTypes: ["sms.*"] });
  await (await world.agent("agent-1")).accept(session);
  await world.notify(statusChange(session, "Chatting", { userData }));
  const body = `To whom it may concern, ${session}`;
  await world.notify(newMessages(session, agentText(1, body)));
  return { session, consumer, body };
}

Deno.test("an American number without its country was texted to Singapore: without DEFAULT_COUNTRY it is nobody's", async () => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store);
  for (
    const told of [
      { PhoneNumber: "(650) 253-0000" },
      { PhoneNumber: "916-555-1234" },
      { PhoneNumber: 6502530000 },
      { FromAddr: "６５０ ２５３ ００００" },
      { _smsSrcNumber: "00442079460000" },
      { PhoneNumber: "tel:650-253-0000" },
    ]
  ) {
    const { session, consumer, body } = await say(world, told);
    const { event } = await consumer.received(session, "sms.failed");
    assert.equal(event.data.messageIndex, 1);
    assert.equal(world.twilio.count(body), 0, JSON.stringify(told));
    const listed = await world.admin.get("/v1/deliveries?status=dead&limit=100");
    const { id } = readDeliveries(listed.json()).data.find(({ sessionId }) =>
      sessionId === session
    ) ??
      assert.fail(`not dead: ${listed.text}`);
    const delivery = await world.admin.get(`/v1/deliveries/${id}`);
    readDelivery(delivery.json());
    const [attempt] = Object(delivery.json()).attempts;
    assert.equal(attempt.class, "no-customer-number");
    assert.match(attempt.detail, /without its country.*DEFAULT_COUNTRY/);
  }
  // What upstream writes itself, and what says its country, leaves.
  for (
    const [told, to] of [
      [{ PhoneNumber: "16501111111" }, "+16501111111"],
      [{ PhoneNumber: "+1 (650) 253-0000" }, "+16502530000"],
      [{ PhoneNumber: "(650) 253-0000", FromAddr: "16502530000" }, "+16502530000"],
    ] as const
  ) {
    const { body } = await say(world, told);
    assert.equal((await world.twilio.asked(body)).to, to);
  }

  const agent = await world.agent("agent-1");
  const session = world.freshSession();
  await agent.accept(session);
  const path = `/v1/sessions/${session}/customer`;
  for (const phone of ["(650) 253-0000", "6502530000"]) {
    assertProblem(await agent.put(path, { phone }), "invalid-parameter");
    const sender = phone;
    assertProblem(await agent.put(path, { phone: "+16502530001", sender }), "invalid-parameter");
  }
});

Deno.test("a text to what is no number, or more than one, waited for a better one and nobody was told why", async () => {
  for (const DEFAULT_COUNTRY of ["", "US"]) {
    await using store = await openSqliteFile();
    await using world = await startWorld(store, { DEFAULT_COUNTRY });
    for (
      const told of [
        "(650) 253-0000 x123",
        "+16502530000;ext=12",
        "1-800-FLOWERS",
        "6502530000, 6502530001",
        "12345",
        "1".repeat(22),
        "+999123456789",
        "whatsapp:+16502530000",
      ]
    ) {
      const { session, consumer, body } = await say(world, { PhoneNumber: told });
      await consumer.received(session, "sms.failed");
      assert.equal(world.twilio.count(body), 0, told);
      const [text] = await textsOf(world, session);
      const [attempt] = (await historyOf(world, text?.id ?? "")).attempts;
      assert.equal(attempt?.class, "no-customer-number", told);
      assert.match(attempt?.detail ?? "", /no valid telephone number/, told);
    }
  }
});

Deno.test("with DEFAULT_COUNTRY a national number is read by that country, where it is valid there", async () => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store, { DEFAULT_COUNTRY: "US" });
  for (
    const [told, to] of [
      ["(650) 253-0000", "+16502530000"],
      ["916-555-1234", "+19165551234"],
      ["011 44 20 7946 0000", "+442079460000"],
      ["447911123456", "+447911123456"],
    ] as const
  ) {
    const { body } = await say(world, { PhoneNumber: told });
    assert.equal((await world.twilio.asked(body)).to, to);
  }
  for (const told of ["(650) 111-1111", "253-0000", "(020) 7946-0000"]) {
    const { session, consumer, body } = await say(world, { PhoneNumber: told });
    await consumer.received(session, "sms.failed");
    assert.equal(world.twilio.count(body), 0, told);
  }

  const agent = await world.agent("agent-1");
  const session = world.freshSession();
  await agent.accept(session);
  const put = await agent.put(`/v1/sessions/${session}/customer`, { phone: "(650) 253-0199" });
  assert.equal(put.status, 200, put.text);
  await world.notify(newMessages(session, agentText(1, "By PUT")));
  assert.equal((await world.twilio.asked("By PUT")).to, "+16502530199");
});

Deno.test("a customer who was told of nationally is known when they text", async () => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store, { DEFAULT_COUNTRY: "US" });
  const { session, consumer } = await say(world, { PhoneNumber: "(650) 253-0777" });
  await bringText(world, customerText(world, "+16502530777", "It is me"));
  const { event } = await consumer.received(session, "sms.received");
  assert.equal(event.data.sessionId, session);
});
