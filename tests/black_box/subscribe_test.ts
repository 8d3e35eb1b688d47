import assert from "node:assert/strict";
import { redisTest } from "../support/needs_redis.ts";
import { NOT_JSON } from "../../simulator/contact_centre/fault_presets.ts";
import type { ContactCentre } from "../../simulator/contact_centre/contact_centre.ts";
import {
  cometdSessions,
  connectsOf,
  heldAgain,
  letIn,
  listening,
  operationsOf,
  timesHeld,
} from "./centre.ts";
import type { Client } from "./client.ts";
import {
  assertAllTold,
  follow,
  type Following,
  FOLLOWING_SCOPES,
  known,
  lastMessageTold,
  PATIENT_MS,
} from "./following.ts";
import { statusChange } from "./notifications.ts";
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
    await listening(centre, "ada");
    const { subscription } = firstMessage(centre, "/meta/subscribe");
    assert.deepEqual([subscription].flat(), ["/v2/me/*"]);
    const { supportedConnectionTypes } = firstMessage(centre, "/meta/handshake");
    assert.ok(Array.isArray(supportedConnectionTypes));
    assert.ok(supportedConnectionTypes.includes("long-polling"));

    const session = world.freshSession();
    centre.emit(statusChange(session, "Invited"), "ada");
    const { event } = await consumer.received(session, "session.status_changed");
    assert.deepEqual(event.data.notification, statusChange(session, "Invited"));
    assert.equal(event.data.agentId, null);

    await agent.accept(session);
    await consumer.received(session, "session.accepted");
    centre.agentTexts(session, "ada", "Hello");
    await lastMessageTold(centre, consumer, session);
    assertAllTold(centre, consumer, session);
    const events = told(consumer, session);
    assertInOrder(consumer, session, events.length);
    // Whether the Accept or what it brought about is written down first hangs on two connections.
    assert.deepEqual(events.map(({ type }) => type).toSorted(), [
      "session.accepted",
      "session.messages_added",
      "session.messages_added",
      "session.participants_updated",
      "session.status_changed",
      "session.status_changed",
    ]);
    assert.equal(events.at(-1)?.data.agentId, "agent-1");
    assert.equal(cometdSessions(centre, "ada"), 1);
  },

  async "an Accept opens it as well, of its own agent alone"(world, centre) {
    const consumer = await world.consumer();
    const [one, two] = [await known(world, "agent-1", "ada"), await known(world, "agent-2", "bob")];
    const [ofOne, ofTwo] = [world.freshSession(), world.freshSession()];
    await one.accept(ofOne);
    await listening(centre, "ada");
    assert.equal(cometdSessions(centre, "bob"), 0);
    await two.accept(ofTwo);
    await listening(centre, "bob");
    centre.agentTexts(ofOne, "ada", "of one");
    centre.agentTexts(ofTwo, "bob", "of two");
    for (const [session, agentId] of [[ofOne, "agent-1"], [ofTwo, "agent-2"]] as const) {
      await lastMessageTold(centre, consumer, session);
      assert.equal(told(consumer, session).at(-1)?.data.agentId, agentId);
    }
    for (const { agentId, path } of centre.calls.items) {
      assert.ok(agentId === "ada" || agentId === "bob", `${path} by ${agentId}`);
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
    await listening(centre, "ada");
    centre.agentTexts(session, "ada", "heard");
    await lastMessageTold(centre, consumer, session);

    for (const round of [1, 2]) {
      centre.dropCometdSessions("ada");
      for (const text of ["missed", "missed as well"]) centre.agentTexts(session, "ada", text);
      await listening(centre, "ada", 1 + round, PATIENT_MS);
      await lastMessageTold(centre, consumer, session);
      centre.agentTexts(session, "ada", "heard again");
      await lastMessageTold(centre, consumer, session);
    }
    assertAllTold(centre, consumer, session);
    const sequences = told(consumer, session).map(({ data }) => data.sequence);
    assert.deepEqual(sequences, sequences.map((_, index) => index + 1));
    const reads = centre.calls.items.filter(({ method, path }) =>
      method === "GET" && path.includes(`/smssessions/${session}/messages`)
    );
    assert.ok(reads.length >= 2, "what was missed is read by GET");
    assert.equal(operationsOf(centre, "ada").filter((name) => name === "Accept").length, 1);
  },

  async "a session that is gone upstream when it looks again is given back"(world, centre) {
    const consumer = await world.consumer();
    const agent = await known(world, "agent-1", "ada");
    const [gone, kept] = [world.freshSession(), world.freshSession()];
    await agent.accept(gone);
    await agent.accept(kept);
    await listening(centre, "ada");
    centre.removeSession(gone);
    centre.dropCometdSessions("ada");
    await consumer.received(gone, "session.released", undefined, PATIENT_MS);
    assert.equal((await agent.get(`/v1/sessions/${gone}`)).status, 404);
    assert.equal((await agent.get(`/v1/sessions/${kept}`)).status, 200);
  },

  async "a connect that is answered with nonsense costs nothing but time"(world, centre) {
    const consumer = await world.consumer();
    const agent = await known(world, "agent-1", "ada");
    const session = world.freshSession();
    await agent.accept(session);
    await listening(centre, "ada");
    for (const nonsense of ["html", NOT_JSON] as const) {
      const { reached } = centre.faults.next(nonsense, { matching: connectsOf("ada") });
      const held = timesHeld(centre, "ada");
      // Ends the connect that is held, so that the next one meets the fault.
      centre.agentTexts(session, "ada", "before");
      await reached;
      await heldAgain(centre, "ada", held, PATIENT_MS);
      centre.agentTexts(session, "ada", "after");
      await lastMessageTold(centre, consumer, session);
    }
    assertAllTold(centre, consumer, session);
  },

  async "the same news by CometD, by its repetition and by HTTP is one event"(world, centre) {
    const consumer = await world.consumer();
    const agent = await known(world, "agent-1", "ada");
    const session = world.freshSession();
    await agent.accept(session);
    await listening(centre, "ada");
    centre.agentTexts(session, "ada", "Once");
    await lastMessageTold(centre, consumer, session);
    const news = told(consumer, session).at(-1)?.data.notification;
    assert.equal(Object(news).notificationType, "NewMessages");
    const answer = await world.notify(news);
    assert.deepEqual(answer.json(), { accepted: 0, duplicates: 1 });
    centre.emit(Object(news), "ada");
    centre.agentTexts(session, "ada", "Twice");
    await lastMessageTold(centre, consumer, session);
    assertAllTold(centre, consumer, session);
  },

  async "what is said by CometD leaves as SMS, also when only a late notification tells the number"(
    world,
    centre,
  ) {
    const consumer = await world.consumer();
    const agent = await known(world, "agent-1", "ada");
    const [session, phone] = [world.freshSession(), world.freshPhone()];
    await agent.accept(session);
    await listening(centre, "ada");
    // Its event shows that Patchbay has read the session, without a number, as `Chatting`.
    centre.customerTexts(session, "Hello");
    await lastMessageTold(centre, consumer, session);
    const userData = { PhoneNumber: phone.slice(1) };
    centre.emit(statusChange(session, "Chatting", { userData }), "ada");
    centre.agentTexts(session, "ada", `By CometD ${session}`);
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
    await listening(centre, "ada");
    for (const session of [one, two]) {
      centre.agentTexts(session, "ada", "Hello");
      await lastMessageTold(centre, consumer, session);
    }
    assert.equal(cometdSessions(centre, "ada"), 1);

    for (const session of [one, two]) await agent.operate(session, "Complete");
    const ended = await agent.post("/api/v2/me", { operationName: "EndContactCenterSession" });
    assert.equal(ended.status, 200, ended.text);
    await centre.calls.until(
      "a disconnect",
      (calls) => calls.find(({ operations }) => operations.includes("/meta/disconnect")),
      { timeoutMs: PATIENT_MS },
    );
    assert.equal(cometdSessions(centre, "ada"), 0);
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
    await listening(centre, "ada");
    centre.agentTexts(session, "ada", "Hello");
    await lastMessageTold(centre, consumer, session);
    for (const { headers } of letIn(centre)) {
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

/** The first CometD message on this channel. */
function firstMessage({ requests }: ContactCentre, channel: string) {
  const messages = requests.items
    .filter(({ path }) => path.startsWith("/api/v2/notifications"))
    .flatMap(({ body }) => [JSON.parse(body)].flat());
  return Object(messages.find((message) => message.channel === channel));
}
