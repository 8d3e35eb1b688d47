import assert from "node:assert/strict";
import { redisTest } from "../support/needs_redis.ts";
import type { Client } from "./client.ts";
import {
  follow,
  type Following,
  FOLLOWING_SCOPES,
  indexesTold,
  known,
  messagesTold,
  PATIENT_MS,
} from "./following.ts";
import type { GuardedUpstream } from "./guarded_upstream.ts";
import { agentText, newMessages, statusChange } from "./notifications.ts";
import { openRedis, openSqliteFile, openUpstash, type TestStore } from "./stores.ts";
import { assertInOrder, told } from "./webhook_assertions.ts";

const SENTENCES: Readonly<Record<string, Following>> = {
  async "the start of a contact-centre session opens the connection of that agent, which brings what happens"(
    world,
    centre,
  ) {
    const consumer = await world.consumer();
    const agent = await known(world, "agent-1", "ada");
    await start(agent);
    const subscribing = await centre.bayeux.heard("ada", "subscribe");
    assert.deepEqual([subscribing.message.subscription].flat(), ["/v2/me/*"]);
    await centre.bayeux.heard("ada", "connect", 2);
    const handshake = await centre.bayeux.heard("ada", "handshake");
    assert.ok(Array.isArray(handshake.message.supportedConnectionTypes));
    assert.ok(handshake.message.supportedConnectionTypes.includes("long-polling"));

    const session = world.freshSession();
    centre.bayeux.publish("ada", statusChange(session, "Invited"));
    const { event } = await consumer.received(session, "session.status_changed");
    assert.deepEqual(event.data.notification, statusChange(session, "Invited"));
    assert.equal(event.data.agentId, null);

    await agent.accept(session);
    await consumer.received(session, "session.accepted");
    centre.bayeux.publish("ada", statusChange(session, "Chatting"));
    centre.say(session, agentText(1, "Hello"));
    const { event: message } = await consumer.received(session, "session.messages_added");
    assert.equal(message.data.agentId, "agent-1");
    assertInOrder(consumer, session, 4);
    assert.equal(centre.bayeux.sessions("ada"), 1);
  },

  async "an Accept opens it as well, of its own agent alone"(world, centre) {
    const consumer = await world.consumer();
    const [one, two] = [await known(world, "agent-1", "ada"), await known(world, "agent-2", "bob")];
    const [ofOne, ofTwo] = [world.freshSession(), world.freshSession()];
    await one.accept(ofOne);
    await centre.bayeux.heard("ada", "connect", 2);
    assert.equal(centre.bayeux.sessions("bob"), 0);
    await two.accept(ofTwo);
    await centre.bayeux.heard("bob", "connect", 2);
    centre.say(ofOne, agentText(1, "of one"));
    centre.say(ofTwo, agentText(1, "of two"));
    for (const [session, agentId] of [[ofOne, "agent-1"], [ofTwo, "agent-2"]] as const) {
      const { event } = await consumer.received(session, "session.messages_added");
      assert.equal(event.data.agentId, agentId);
    }
    for (const { user, message } of centre.bayeux.asked.items) {
      assert.ok(user === "ada" || user === "bob", JSON.stringify(message));
    }
  },

  async "a lost CometD session is a 402: a new handshake, and what was missed is read, once and in order"(
    world,
    centre,
  ) {
    const consumer = await world.consumer();
    const agent = await known(world, "agent-1", "ada");
    const session = world.freshSession();
    await agent.accept(session);
    await centre.bayeux.heard("ada", "connect", 2);
    centre.say(session, agentText(1, "heard"));
    await consumer.received(session, "session.messages_added");

    for (const [round, index] of [2, 5].entries()) {
      centre.bayeux.drop("ada");
      for (const missed of [index, index + 1]) centre.say(session, agentText(missed, "missed"));
      await centre.bayeux.heard("ada", "subscribe", 2 + round, PATIENT_MS);
      await messagesTold(consumer, session, index + 1);
      await untilConnected(centre, "ada");
      centre.say(session, agentText(index + 2, "heard again"));
      await messagesTold(consumer, session, index + 2);
    }
    assert.deepEqual(indexesTold(consumer, session), [1, 2, 3, 4, 5, 6, 7]);
    const sequences = told(consumer, session).map(({ data }) => data.sequence);
    assert.deepEqual(sequences, sequences.map((_, index) => index + 1));
    const reads = centre.calls.items.filter(({ method, target }) =>
      method === "GET" && target.includes(`/smssessions/${session}/messages`)
    );
    assert.ok(reads.length >= 2, "what was missed is read by GET");
    assert.equal(centre.operations("ada").filter((name) => name === "Accept").length, 1);
  },

  async "a session that is gone upstream when it looks again is given back"(world, centre) {
    const consumer = await world.consumer();
    const agent = await known(world, "agent-1", "ada");
    const [gone, kept] = [world.freshSession(), world.freshSession()];
    await agent.accept(gone);
    await agent.accept(kept);
    await centre.bayeux.heard("ada", "connect", 2);
    centre.end(gone);
    centre.bayeux.drop("ada");
    await consumer.received(gone, "session.released", undefined, PATIENT_MS);
    assert.equal((await agent.get(`/v1/sessions/${gone}`)).status, 404);
    assert.equal((await agent.get(`/v1/sessions/${kept}`)).status, 200);
  },

  async "a connect that is answered with nonsense costs nothing but time"(world, centre) {
    const consumer = await world.consumer();
    const agent = await known(world, "agent-1", "ada");
    const session = world.freshSession();
    await agent.accept(session);
    await centre.bayeux.heard("ada", "connect", 2);
    const nonsense = [
      () => new Response("<html>502</html>", { status: 502 }),
      () => new Response("[{not json", { headers: { "content-type": "application/json" } }),
    ];
    for (const [index, answer] of nonsense.entries()) {
      const connects = connectsOf(centre, "ada");
      centre.bayeux.breakNextConnect("ada", answer);
      // Ends the connect that is held, so that the next one meets the fault.
      centre.say(session, agentText(2 * index + 1, "before"));
      await centre.bayeux.heard("ada", "connect", connects + 1, PATIENT_MS);
      await untilConnected(centre, "ada");
      centre.say(session, agentText(2 * index + 2, "after"));
      await messagesTold(consumer, session, 2 * index + 2);
    }
    assert.deepEqual(indexesTold(consumer, session), [1, 2, 3, 4]);
  },

  async "the same news by CometD, by its repetition and by HTTP is one event"(world, centre) {
    const consumer = await world.consumer();
    const agent = await known(world, "agent-1", "ada");
    const session = world.freshSession();
    await agent.accept(session);
    await centre.bayeux.heard("ada", "connect", 2);
    const news = newMessages(session, agentText(1, "Once"));
    centre.bayeux.publish("ada", news);
    await messagesTold(consumer, session, 1);
    const answer = await world.notify(news);
    assert.deepEqual(answer.json(), { accepted: 0, duplicates: 1 });
    centre.bayeux.publish("ada", news);
    centre.bayeux.publish("ada", newMessages(session, agentText(2, "Twice")));
    await messagesTold(consumer, session, 2);
    assert.deepEqual(indexesTold(consumer, session), [1, 2]);
  },

  async "what is said by CometD leaves as SMS, also when only a late notification tells the number"(
    world,
    centre,
  ) {
    const consumer = await world.consumer();
    const agent = await known(world, "agent-1", "ada");
    const [session, phone] = [world.freshSession(), world.freshPhone()];
    await agent.accept(session);
    await centre.bayeux.heard("ada", "connect", 2);
    // Its event shows that Patchbay has read the session, without a number, as `Chatting`.
    const from = { type: "Customer", nickname: "P", participantId: "0A" };
    centre.say(session, agentText(1, "Hello", { from }));
    await messagesTold(consumer, session, 1);
    const userData = { PhoneNumber: phone.slice(1) };
    centre.bayeux.publish("ada", statusChange(session, "Chatting", { userData }));
    centre.say(session, agentText(2, `By CometD ${session}`));
    assert.equal((await world.twilio.asked(`By CometD ${session}`)).to, phone);
  },

  async "two instances are one listener, and the end of the contact-centre session ends it"(
    world,
    centre,
  ) {
    const consumer = await world.consumer();
    await using second = await world.anotherPatchbay();
    const agent = await known(world, "agent-1", "ada");
    const there = await second.agent("agent-1", FOLLOWING_SCOPES);
    const [one, two] = [world.freshSession(), world.freshSession()];
    await start(agent);
    await start(there);
    await agent.accept(one);
    await there.accept(two);
    await centre.bayeux.heard("ada", "connect", 2);
    for (const session of [one, two]) {
      centre.say(session, agentText(1, "Hello"));
      await messagesTold(consumer, session, 1);
    }
    assert.equal(centre.bayeux.sessions("ada"), 1);

    for (const session of [one, two]) await agent.operate(session, "Complete");
    const ended = await agent.post("/api/v2/me", { operationName: "EndContactCenterSession" });
    assert.equal(ended.status, 200, ended.text);
    await centre.bayeux.heard("ada", "disconnect", 1, PATIENT_MS);
    assert.equal(centre.bayeux.sessions("ada"), 0);
  },
};

/** What rests on the store's answers; the scripts of a Redis are the same on both ways to it. */
const RESTS_ON_THE_STORE = /^(a lost CometD session|a session that is gone|two instances)/;

Deno.test("SUBSCRIBE=on with SQLite in a file", (t) => tellAll(t, openSqliteFile));
redisTest("SUBSCRIBE=on with a Redis", (t) => tellAll(t, () => openRedis()));
redisTest("SUBSCRIBE=on with Upstash's REST protocol", (t) => tellAll(t, openUpstash));

async function tellAll(t: Deno.TestContext, open: () => Promise<TestStore>): Promise<void> {
  for (const [says, tell] of Object.entries(SENTENCES)) {
    if (open === openUpstash && !RESTS_ON_THE_STORE.test(says)) continue;
    await t.step(says, () => follow(open, tell));
  }
}

const FORWARD = { UPSTREAM_AUTH: "forward" };

Deno.test("SUBSCRIBE=on with UPSTREAM_AUTH=forward listens with the agent's own token", () =>
  follow(openSqliteFile, async (world, centre) => {
    const consumer = await world.consumer();
    const agent = await world.agent("ada");
    const session = world.freshSession();
    await agent.accept(session);
    await centre.bayeux.heard("ada", "connect", 2);
    centre.say(session, agentText(1, "Hello"));
    await messagesTold(consumer, session, 1);
    for (const { headers } of centre.calls.items) {
      assert.equal(headers.get("authorization"), `Bearer ${agent.token}`);
    }
  }, FORWARD));

async function start(agent: Client): Promise<void> {
  const answer = await agent.post("/api/v2/me", {
    operationName: "StartContactCenterSession",
    channels: ["smssession"],
  });
  assert.equal(answer.status, 200, answer.text);
}

function connectsOf(centre: GuardedUpstream, user: string): number {
  return centre.bayeux.asked.items.filter((item) =>
    item.user === user && item.channel === "connect"
  ).length;
}

/** Resolves once the newest session of this user has sent two connects, so that the second is held. */
async function untilConnected(centre: GuardedUpstream, user: string): Promise<void> {
  await centre.bayeux.asked.until(
    `a held connect of ${user}`,
    (items) => {
      const connects = items.filter((item) => item.user === user && item.channel === "connect");
      const { clientId } = connects.at(-1) ?? {};
      return connects.filter((item) => item.clientId === clientId).length >= 2 || undefined;
    },
    { timeoutMs: PATIENT_MS },
  );
}
