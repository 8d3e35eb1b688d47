import assert from "node:assert/strict";
import { redisTest } from "../support/needs_redis.ts";
import {
  type Following,
  followInHurry,
  known,
  messagesTold,
  PATIENT_MS,
  TAKEN_OVER_WITHIN_MS,
} from "./following.ts";
import type { GuardedUpstream } from "./guarded_upstream.ts";
import { agentText, statusChange } from "./notifications.ts";
import type { Event } from "./shapes.ts";
import { openRedis, openSqliteFile, type TestStore } from "./stores.ts";
import { told } from "./webhook_assertions.ts";
import type { WebhookConsumer } from "./webhook_consumer.ts";

const ADA = { type: "Agent", nickname: "Ada", participantId: "0A", path: "/users/ada" };
const CUSTOMER = { type: "Customer", nickname: "P", participantId: "0C" };

const SENTENCES: Readonly<Record<string, Following>> = {
  async "a number that was attached while nothing was heard is told once, and texts leave for it"(
    world,
    centre,
  ) {
    const consumer = await world.consumer();
    const agent = await known(world, "agent-1", "ada");
    const [session, phone] = [world.freshSession(), world.freshPhone()];
    await agent.accept(session);
    await heardOf(centre, consumer, session);

    centre.bayeux.drop("ada");
    const userData = { PhoneNumber: phone.slice(1), Subject: "shoes" };
    centre.change(session, { userData });
    centre.say(session, agentText(2, `Missed in ${session}`));
    await messagesTold(consumer, session, 2);
    assert.equal((await world.twilio.asked(`Missed in ${session}`)).to, phone);
    const updates = ofType(consumer, session, "session.properties_updated");
    assert.deepEqual(updates.map(({ data }) => resourceIn(data).userData), [userData]);
    assert.deepEqual(Object(updates[0]?.data.notification).notificationType, "PropertiesUpdated");

    // Another gap in which nothing changed but the order of members.
    const { PhoneNumber, Subject } = userData;
    centre.change(session, { userData: { Subject, PhoneNumber } });
    await anotherGap(centre, consumer, session, 3);
    assert.equal(ofType(consumer, session, "session.properties_updated").length, 1);
  },

  async "data that was deleted, and who came, left or has another name, is told as upstream would"(
    world,
    centre,
  ) {
    const consumer = await world.consumer();
    const agent = await known(world, "agent-1", "ada");
    const session = world.freshSession();
    await agent.accept(session);
    await heardOf(centre, consumer, session);

    const changes = [
      { userData: { a: "1", b: null }, participants: [ADA, CUSTOMER] },
      { userData: { b: null }, participants: [CUSTOMER, ADA] },
      { userData: {}, participants: [{ ...ADA, nickname: "Ada L." }, CUSTOMER] },
      { userData: {}, participants: [{ ...ADA, nickname: "Ada L." }] },
    ];
    for (const [at, members] of changes.entries()) {
      centre.change(session, members);
      await anotherGap(centre, consumer, session, at + 2);
    }
    const dataTold = ofType(consumer, session, "session.properties_updated");
    assert.deepEqual(dataTold.map(({ data }) => resourceIn(data).userData), [
      changes[0]?.userData,
      changes[1]?.userData,
      {},
    ]);
    const peopleTold = ofType(consumer, session, "session.participants_updated");
    assert.deepEqual(peopleTold.map(({ data }) => resourceIn(data).participants), [
      changes[0]?.participants,
      changes[2]?.participants,
      changes[3]?.participants,
    ]);
    const sequences = told(consumer, session).map(({ data }) => data.sequence);
    assert.deepEqual(sequences, sequences.map((_, index) => index + 1));
  },

  async "what was heard before the gap is not told again by it"(world, centre) {
    const consumer = await world.consumer();
    const agent = await known(world, "agent-1", "ada");
    const session = world.freshSession();
    await agent.accept(session);
    await heardOf(centre, consumer, session);
    const members = { userData: { PhoneNumber: "16501110001" }, participants: [ADA, CUSTOMER] };
    for (const notificationType of ["ParticipantsUpdated", "PropertiesUpdated"]) {
      centre.change(session, members);
      centre.bayeux.publish("ada", {
        ...statusChange(session, "Chatting", members),
        notificationType,
      });
    }
    await anotherGap(centre, consumer, session, 2);
    for (const type of ["session.properties_updated", "session.participants_updated"]) {
      assert.equal(ofType(consumer, session, type).length, 1, type);
    }
  },

  async "what changed while no Patchbay ran is told by the next one, and what it had told is not"(
    world,
    centre,
  ) {
    const consumer = await world.consumer();
    const agent = await known(world, "agent-1", "ada");
    const session = world.freshSession();
    await agent.accept(session);
    await heardOf(centre, consumer, session);
    const members = { userData: { a: "1" }, participants: [ADA, CUSTOMER] };
    centre.change(session, members);
    await anotherGap(centre, consumer, session, 2);

    await world.patchbay.kill();
    centre.bayeux.drop("ada");
    centre.change(session, { userData: { a: "2" } });
    centre.say(session, agentText(3, "meanwhile", { from: CUSTOMER }));
    await world.startAnew();
    await centre.bayeux.heard("ada", "subscribe", 3, TAKEN_OVER_WITHIN_MS);
    await messagesTold(consumer, session, 3);
    const dataTold = ofType(consumer, session, "session.properties_updated");
    assert.deepEqual(dataTold.map(({ data }) => resourceIn(data).userData), [
      { a: "1" },
      { a: "2" },
    ]);
    assert.equal(ofType(consumer, session, "session.participants_updated").length, 1);
  },
};

for (
  const [store, test, open] of [
    ["SQLite in a file", Deno.test, openSqliteFile],
    ["a Redis", redisTest, () => openRedis()],
  ] as const
) {
  test(`a resync hears everything that was missed, with ${store}`, (t) => tellAll(t, open));
}

async function tellAll(t: Deno.TestContext, open: () => Promise<TestStore>): Promise<void> {
  for (const [says, tell] of Object.entries(SENTENCES)) {
    await t.step(says, () => followInHurry(open, tell));
  }
}

/** Patchbay has read the session and hears what is said in it. */
async function heardOf(
  centre: GuardedUpstream,
  consumer: WebhookConsumer,
  session: string,
): Promise<void> {
  await centre.bayeux.heard("ada", "connect", 2);
  centre.say(session, agentText(1, "Hello", { from: CUSTOMER }));
  await messagesTold(consumer, session, 1);
}

/** Loses the connection and resolves once what was said meanwhile is told. */
async function anotherGap(
  centre: GuardedUpstream,
  consumer: WebhookConsumer,
  session: string,
  index: number,
): Promise<void> {
  const subscribed = centre.bayeux.asked.items.filter(({ channel }) => channel === "subscribe");
  centre.bayeux.drop("ada");
  centre.say(session, agentText(index, "meanwhile", { from: CUSTOMER }));
  await centre.bayeux.heard("ada", "subscribe", subscribed.length + 1, PATIENT_MS);
  await messagesTold(consumer, session, index);
}

function ofType(consumer: WebhookConsumer, session: string, type: string): readonly Event[] {
  return told(consumer, session).filter((event) => event.type === type);
}

function resourceIn(data: Event["data"]) {
  return Object(Object(data.notification).smssession);
}
