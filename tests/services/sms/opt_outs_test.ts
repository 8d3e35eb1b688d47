import assert from "node:assert/strict";
import { StoreUnavailable } from "../../../services/errors.ts";
import { onEachSmsStore, openSmsTestStore } from "../../support/sms_test_store.ts";
import { createTwilioIngressWorld, type TwilioIngressWorld } from "../../support/twilio_ingress.ts";
import { CUSTOMER, inboundFields, OWN_NUMBER } from "../../support/twilio_requests.ts";

const SMS = "/ingress/twilio/sms";
const SENDER = { from: OWN_NUMBER };
const SERVICE = `MG${"5".repeat(32)}`;
const REFUSAL = { customer: CUSTOMER, sender: SENDER, sessionId: null, source: "dlv_1:1" };

const isOut = (world: TwilioIngressWorld, customer = CUSTOMER, from = OWN_NUMBER) =>
  world.optOuts.isOptedOut(customer, { from });

const typesOf = async (world: TwilioIngressWorld) => (await world.events()).map(({ type }) => type);

for (
  const word of ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"]
) {
  Deno.test(`OPT-01 ${word} closes the customer's number, "${word} PLEASE" does not`, async () => {
    await using world = createTwilioIngressWorld(openSmsTestStore());
    await world.text(inboundFields({ Body: `${word} PLEASE` }));
    assert.equal(await isOut(world), false);
    await world.text(inboundFields({ Body: word }));
    assert.equal(await isOut(world), true);
    assert.deepEqual(await typesOf(world), ["sms.received", "sms.received", "customer.opted_out"]);
  });
}

Deno.test("OPT-02 stop words count in lower case and between blanks", async () => {
  await using world = createTwilioIngressWorld(openSmsTestStore());
  await world.text(inboundFields({ Body: " stop \n" }));
  assert.equal(await isOut(world), true);
});

for (const word of ["START", "YES", "UNSTOP"]) {
  onEachSmsStore(`OPT-03 ${word} opens again, and is told once`, async (store) => {
    await using world = createTwilioIngressWorld(store);
    await world.text(inboundFields({ Body: "STOP" }));
    await world.text(inboundFields({ Body: word }));
    assert.equal(await isOut(world), false);
    await world.text(inboundFields({ Body: word }));
    assert.deepEqual(await typesOf(world), [
      "sms.received",
      "customer.opted_out",
      "sms.received",
      "customer.opted_in",
      "sms.received",
    ]);
  });
}

Deno.test("OPT-03 a YES from somebody who never opted out is a text like any other", async () => {
  await using world = createTwilioIngressWorld(openSmsTestStore());
  await world.text(inboundFields({ Body: "yes" }));
  assert.deepEqual(await typesOf(world), ["sms.received"]);
});

Deno.test("OPT-03 an old STOP that comes again does not undo the START after it", async () => {
  await using world = createTwilioIngressWorld(openSmsTestStore());
  const stop = inboundFields({ Body: "STOP" });
  await world.text(stop);
  await world.text(inboundFields({ Body: "START" }));
  await world.text(stop);
  assert.equal(await isOut(world), false);
  assert.equal((await typesOf(world)).filter((type) => type === "customer.opted_out").length, 1);
});

Deno.test("OPT-04 HELP and INFO change nothing and are answered by nobody here", async () => {
  await using world = createTwilioIngressWorld(openSmsTestStore());
  for (const Body of ["HELP", "info"]) await world.text(inboundFields({ Body }));
  await world.text(inboundFields({ Body: "STOP", OptOutType: "HELP" }));
  assert.equal(await isOut(world), false);
  assert.deepEqual(await typesOf(world), ["sms.received", "sms.received", "sms.received"]);
});

onEachSmsStore("OPT-05 a refusal at create closes the number and is told once", async (store) => {
  await using world = createTwilioIngressWorld(store);
  await world.optOuts.noteRefusal(REFUSAL);
  assert.equal(await isOut(world), true);
  await world.optOuts.noteRefusal(REFUSAL);
  await world.optOuts.noteRefusal({ ...REFUSAL, source: "dlv_2:1" });
  const events = await world.events();
  assert.deepEqual(events.map(({ type, sessionId, data }) => ({ type, sessionId, data })), [{
    type: "customer.opted_out",
    sessionId: null,
    data: { phone: CUSTOMER, sender: OWN_NUMBER, reason: "rejection", messageSid: null, by: null },
  }]);
});

onEachSmsStore(
  "OPT-05 a refusal that was written down and not told is told with the next look at the same text, once",
  async (store) => {
    let dies = true;
    const publish: typeof store.publish = async (request) => {
      if (!dies) return await store.publish(request);
      dies = false;
      throw new StoreUnavailable("publish");
    };
    await using world = createTwilioIngressWorld({ ...store, publish });
    await assert.rejects(world.optOuts.noteRefusal(REFUSAL), StoreUnavailable);
    const refusedAtMs = world.clock.now();
    world.clock.advance(60_000);
    const look = (source: string) =>
      world.optOuts.isOptedOut(CUSTOMER, SENDER, { sessionId: null, source });
    assert.equal(await look("dlv_2:1"), true);
    assert.deepEqual(await world.events(), []);
    assert.equal(await look(REFUSAL.source), true);
    assert.equal(await look(REFUSAL.source), true);
    const events = await world.events();
    assert.deepEqual(events.map(({ type, occurredAtMs, data }) => ({ type, occurredAtMs, data })), [
      {
        type: "customer.opted_out",
        occurredAtMs: refusedAtMs,
        data: {
          phone: CUSTOMER,
          sender: OWN_NUMBER,
          reason: "rejection",
          messageSid: null,
          by: null,
        },
      },
    ]);
  },
);

onEachSmsStore(
  "OPT-07 many STOPs and STARTs side by side end in one state, told in turn",
  async (store) => {
    await using world = createTwilioIngressWorld(store);
    const words = Array.from({ length: 8 }, (_, index) => index % 2 === 0 ? "STOP" : "START");
    const answers = await Promise.all(
      words.map((Body) => world.post(SMS, inboundFields({ Body }))),
    );
    for (const answer of answers) await answer.body?.cancel();
    const changes = (await typesOf(world)).filter((type) => type.startsWith("customer."));
    // Each opt-in follows an opt-out, so the two differ by what the state is now.
    const outs = changes.filter((type) => type === "customer.opted_out").length;
    assert.equal(outs - (changes.length - outs), await isOut(world) ? 1 : 0);
  },
);

Deno.test("OPT-07 an opt-out holds before anybody is told of it", async () => {
  const store = openSmsTestStore();
  const heldAtPublish: boolean[] = [];
  await using world: TwilioIngressWorld = createTwilioIngressWorld({
    ...store,
    publish: async (request) => {
      heldAtPublish.push(await isOut(world));
      return await store.publish(request);
    },
  });
  await world.text(inboundFields({ Body: "STOP" }));
  assert.deepEqual(heldAtPublish, [true]);
});

onEachSmsStore(
  "OPT-07 an opt-out is the customer's, from whichever of our senders, and has no end",
  async (store) => {
    await using world = createTwilioIngressWorld(store);
    await world.text(inboundFields({ Body: "STOP" }));
    world.clock.advance(400 * 86_400_000);
    for (const from of [OWN_NUMBER, "+15550100001", "24680"]) {
      assert.equal(await isOut(world, CUSTOMER, from), true, from);
    }
    assert.equal(await world.optOuts.isOptedOut(CUSTOMER, { pool: SERVICE }), true);
    for (const other of ["+16501110002", `${CUSTOMER}1`, CUSTOMER.slice(0, -1)]) {
      assert.equal(await isOut(world, other), false, other);
    }
  },
);

Deno.test("OPT-07 behind a messaging service the event names the service, and START to any of its numbers opens", async () => {
  const sender = { messagingServiceSid: SERVICE };
  await using world = createTwilioIngressWorld(openSmsTestStore(), { sender });
  await world.text(inboundFields({ Body: "STOP", MessagingServiceSid: SERVICE }));
  assert.equal(await world.optOuts.isOptedOut(CUSTOMER, { pool: SERVICE }), true);
  const [event] = await world.events("customer.opted_out");
  assert.equal(event?.data["sender"], SERVICE);
  await world.text(inboundFields({ Body: "START", To: "+15550100077" }));
  assert.equal(await isOut(world), true, "it is not known that this number is of the service");
  const fields = { Body: "START", To: "+15550100077", MessagingServiceSid: SERVICE };
  await world.text(inboundFields(fields));
  assert.equal(await isOut(world), false);
});

Deno.test("OPT-07 a STOP to one number counts after the sender is a messaging service, and back", async () => {
  const store = openSmsTestStore();
  await using before = createTwilioIngressWorld(store);
  await before.text(inboundFields({ Body: "STOP" }));
  const sender = { messagingServiceSid: SERVICE };
  await using after = createTwilioIngressWorld(
    { ...store, close: () => Promise.resolve() },
    { sender, clock: before.clock },
  );
  assert.equal(await after.optOuts.isOptedOut(CUSTOMER, { pool: SERVICE }), true);
  before.clock.advance(1_000);
  // The number is the service's by now; it is the same number.
  await after.text(inboundFields({ Body: "START", MessagingServiceSid: SERVICE }));
  assert.equal(await after.optOuts.isOptedOut(CUSTOMER, { pool: SERVICE }), false);
  assert.equal(await isOut(before), false);
});

Deno.test("OPT-07 START opens nothing that was closed at another number", async () => {
  await using world = createTwilioIngressWorld(openSmsTestStore());
  await world.text(inboundFields({ Body: "STOP" }));
  await world.text(inboundFields({ Body: "STOP", To: "+15550100001" }));
  await world.text(inboundFields({ Body: "START" }));
  assert.equal(await isOut(world), true);
  await world.text(inboundFields({ Body: "START", To: "+15550100001" }));
  assert.equal(await isOut(world), false);
});

onEachSmsStore("OPT-07 what earlier versions wrote down counts, and opens", async (store) => {
  await using world = createTwilioIngressWorld(store);
  const digits = CUSTOMER.slice(1);
  const nowMs = world.clock.now();
  for (const scope of [OWN_NUMBER.slice(1), SERVICE]) {
    const eventId = "evt_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    const entry = { state: "out", eventId, source: "SM1", asOf: eventId };
    const name = { kind: "opt-out", key: `${digits}:${scope}` } as const;
    await store.writeRecord({ ...name, text: JSON.stringify(entry), untilMs: null, nowMs });
  }
  assert.equal(await isOut(world, CUSTOMER, "+15550100001"), true);
  await world.text(inboundFields({ Body: "START" }));
  assert.equal(await isOut(world), true);
  await world.text(inboundFields({ Body: "START", MessagingServiceSid: SERVICE }));
  assert.equal(await isOut(world), false);
});

Deno.test("OPT-07 a STOP by another channel stops texts to the same phone", async () => {
  await using world = createTwilioIngressWorld(openSmsTestStore());
  const channel = { From: `whatsapp:${CUSTOMER}`, To: `whatsapp:${OWN_NUMBER}` };
  await world.text(inboundFields({ ...channel, Body: "STOP" }));
  assert.equal(await isOut(world), true);
  await world.text(inboundFields({ Body: "START" }));
  assert.equal(await isOut(world), true);
  await world.text(inboundFields({ ...channel, Body: "START" }));
  assert.equal(await isOut(world), false);
});

Deno.test("OPT-08 a short code of ours is closed like a number: Twilio does not do it for us", async () => {
  const sender = { from: "24680" };
  await using world = createTwilioIngressWorld(openSmsTestStore(), { sender });
  await world.text(inboundFields({ To: "24680", Body: "Stop" }));
  assert.equal(await world.optOuts.isOptedOut(CUSTOMER, sender), true);
});

Deno.test("OPT-09 whatever a customer asks for, the answer holds no text", async () => {
  await using world = createTwilioIngressWorld(openSmsTestStore());
  for (const Body of ["STOP", "START", "HELP", "hello"]) {
    const answer = await world.post(SMS, inboundFields({ Body }));
    assert.equal(answer.headers.get("content-type"), "text/xml");
    assert.equal(await answer.text(), "<Response/>");
  }
  assert.equal(world.upstreamSeen.length, 0);
});
