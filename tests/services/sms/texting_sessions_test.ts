import assert from "node:assert/strict";
import { createSmsSink } from "../../../services/sms/sms_sink.ts";
import { accept, claimDeliveries } from "../../support/drafts.ts";
import { dataOf, OUR_NUMBER, startTexting } from "../../support/texting_world.ts";

// The rows SES of the conformance list of the SMS bridge, as far as texts that leave are concerned.

type World = Awaited<ReturnType<typeof startTexting>>;

function leave(world: World, sessionId: string, agentId: string, kind: "leave" | "end") {
  const request = { sessionId, agentId, nowMs: world.clock.now(), effect: { kind } } as const;
  return world.store.applyEffect(request, null, 0);
}

Deno.test("SES-01 transfer race: whatever the order of transfer and text, it leaves once", async () => {
  await using world = await startTexting();
  for (let race = 0; race < 20; race++) {
    const session = `S${race}`;
    await world.accept(session);
    const steps = [
      () => world.say(session, 1, `Text ${race}`),
      () => leave(world, session, "agent-1", "end"),
      () => world.say(session, 1, `Text ${race}`),
    ];
    // Each order of the three comes up several times.
    const order = race % 2 === 0 ? steps : steps.toReversed();
    await Promise.all(order.map((step) => step()));
    await world.accept(session, undefined, "agent-2");
    await world.say(session, 1, `Text ${race}`);
    await world.say(session, 2, `Of agent 2 in ${race}`);
  }
  await world.outbox.until(async () =>
    (await world.statuses()).every((status) => status === "delivered") &&
    world.bodies().filter((body) => body.startsWith("Of agent 2")).length === 20
  );
  const bodies = world.bodies();
  assert.equal(new Set(bodies).size, bodies.length);
  assert.equal(bodies.length, 2 * 20);
});

Deno.test("SES-02 stale fence: who has lost the lease sends nothing and tells nothing", async () => {
  const slow = Promise.withResolvers<void>();
  await using world = await startTexting();
  await world.accept("S1");
  await world.engine.stop(0);
  await world.say("S1", 1, "Hello");
  const [first] = (await claimDeliveries(world.store, world.clock.now())).deliveries;
  assert(first);
  world.clock.advance(30_000);
  const [second] = (await claimDeliveries(world.store, world.clock.now())).deliveries;
  assert.equal(second?.id, first.id);
  const sink = createSmsSink({
    ...world.sinkOptions,
    optOuts: {
      ...world.optOuts,
      // The slow instance hangs just before the send.
      isOptedOut: async () => (await slow.promise, false),
    },
  });
  const attempt = sink.attempt(first, new AbortController().signal);
  slow.resolve();
  const end = await attempt;
  assert.deepEqual(end.events, []);
  assert.deepEqual(world.bodies(), []);
  assert.deepEqual(world.told, []);
});

Deno.test("SES-03 TTL: once the mapping has lapsed nothing leaves any more", async () => {
  await using world = await startTexting({ sessionTtlMs: 60_000 });
  await world.accept("S1");
  await world.say("S1", 1, "In time");
  await world.until("delivered");
  world.clock.advance(61_000);
  await world.say("S1", 2, "Too late");
  assert.deepEqual(await world.statuses(), ["delivered"]);
  assert.deepEqual(world.bodies(), ["In time"]);
});

Deno.test("SES-04 two sessions, one phone: each keeps its order, the same words in both leave twice", async () => {
  await using world = await startTexting();
  await world.accept("S1");
  await world.accept("S2", undefined, "agent-2");
  await world.say("S1", 1, "Hello");
  await world.until("delivered");
  world.twilio.faults.serverError({ when: "after-acting" });
  await world.say("S2", 1, "Hello");
  await world.until("delivered", "retrying");
  await world.passTime(2_000);
  await world.until("delivered", "delivered");
  assert.deepEqual(world.bodies(), ["Hello", "Hello"]);
  const sids = (await world.events("sms.sent")).map((event) => dataOf(event)["messageSid"]);
  assert.deepEqual(sids, world.twilio.messages.map(({ sid }) => sid));
});

Deno.test("SES-05 pool of numbers: each session answers from the number that its customer texted", async () => {
  await using world = await startTexting();
  const pool = ["+15005550106", "+15005550206", "70707"];
  for (const [at, sender] of pool.entries()) {
    const sessionId = `S${at}`;
    await world.accept(sessionId);
    const customer = { phone: "+16501111111", sender };
    await world.store.setCustomer({ sessionId, customer, nowMs: world.clock.now() });
    await world.say(sessionId, 1, `Text ${at}`);
    await world.outbox.until(async () => (await world.statuses())[at] === "delivered");
  }
  await world.accept("S9");
  await world.say("S9", 1, "Text 9");
  await world.until(...pool.map(() => "delivered"), "delivered");
  assert.deepEqual(world.twilio.messages.map(({ from }) => from), [...pool, OUR_NUMBER]);
});

Deno.test("SES-06 agent logout: what was said before still leaves, what comes after does not", async () => {
  await using world = await startTexting();
  await world.accept("S1");
  world.twilio.faults.rateLimited();
  await world.say("S1", 1, "Before");
  await world.until("retrying");
  await leave(world, "S1", "agent-1", "leave");
  world.clock.advance(1);
  await world.say("S1", 2, "After");
  await world.passTime(100);
  await world.until("delivered");
  assert.deepEqual(world.bodies(), ["Before"]);
});

for (const [who, next] of [["nobody", null], ["another agent", "agent-2"]] as const) {
  Deno.test(`SES-07 a text told of only after its Complete leaves, when ${who} has the session by then`, async () => {
    await using world = await startTexting();
    await world.accept("S1");
    await world.say("S1", 1, "Seen");
    await world.until("delivered");
    const saidAt = new Date(world.clock.now()).toISOString().replace("Z", "+0000");
    world.clock.advance(1_000);
    await leave(world, "S1", "agent-1", "end");
    world.clock.advance(10_000);
    if (next !== null) await accept(world.store, "S1", next, { nowMs: world.clock.now() });
    for (let told = 0; told < 2; told++) {
      const history = ["Seen", "Goodbye"].map((text) => ({ text, timestamp: saidAt }));
      await world.say("S1", 1, ...history);
    }
    await world.until("delivered", "delivered");
    assert.deepEqual(world.bodies(), ["Seen", "Goodbye"]);
    const [, sent] = await world.events("sms.sent");
    assert.deepEqual([sent?.agentId, dataOf(sent)["messageIndex"]], [next, 2]);
  });
}

Deno.test("SES-07 a text that comes after its Complete and is refused is told as failed", async () => {
  await using world = await startTexting();
  await world.accept("S1", "+15005550004");
  await leave(world, "S1", "agent-1", "end");
  await world.say("S1", 1, "Goodbye");
  await world.until("dead");
  assert.equal(dataOf((await world.events("sms.failed"))[0])["errorCode"], 21610);
});
