import assert from "node:assert/strict";
import type { ContactCentre } from "../../simulator/contact_centre/contact_centre.ts";
import { listening, timesListening } from "./centre.ts";
import { redisTest } from "../support/needs_redis.ts";
import {
  type Following,
  followInHurry,
  known,
  lastMessageTold,
  PATIENT_MS,
  TAKEN_OVER_WITHIN_MS,
} from "./following.ts";
import { statusChange } from "./notifications.ts";
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
    const newsOf = await heardOf(centre, consumer, session);

    centre.dropCometdSessions("ada");
    const userData = { PhoneNumber: phone.slice(1), Subject: "shoes" };
    centre.showInstead(session, { userData });
    centre.agentTexts(session, "ada", `Missed in ${session}`);
    await lastMessageTold(centre, consumer, session);
    assert.equal((await world.twilio.asked(`Missed in ${session}`)).to, phone);
    const updates = newsOf("session.properties_updated");
    assert.deepEqual(updates.map(({ data }) => resourceIn(data).userData), [userData]);
    assert.deepEqual(Object(updates[0]?.data.notification).notificationType, "PropertiesUpdated");

    // Another gap in which nothing changed but the order of members.
    const { PhoneNumber, Subject } = userData;
    centre.showInstead(session, { userData: { Subject, PhoneNumber } });
    await anotherGap(centre, consumer, session);
    assert.equal(newsOf("session.properties_updated").length, 1);
  },

  async "data that was deleted, and who came, left or has another name, is told as upstream would"(
    world,
    centre,
  ) {
    const consumer = await world.consumer();
    const agent = await known(world, "agent-1", "ada");
    const session = world.freshSession();
    await agent.accept(session);
    const newsOf = await heardOf(centre, consumer, session);

    const changes = [
      { userData: { a: "1", b: null }, participants: [ADA, CUSTOMER] },
      { userData: { b: null }, participants: [CUSTOMER, ADA] },
      { userData: {}, participants: [{ ...ADA, nickname: "Ada L." }, CUSTOMER] },
      { userData: {}, participants: [{ ...ADA, nickname: "Ada L." }] },
    ];
    for (const members of changes) {
      centre.showInstead(session, members);
      await anotherGap(centre, consumer, session);
    }
    const dataTold = newsOf("session.properties_updated");
    assert.deepEqual(dataTold.map(({ data }) => resourceIn(data).userData), [
      changes[0]?.userData,
      changes[1]?.userData,
      {},
    ]);
    const peopleTold = newsOf("session.participants_updated");
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
    const newsOf = await heardOf(centre, consumer, session);
    const members = { userData: { PhoneNumber: "16501110001" }, participants: [ADA, CUSTOMER] };
    centre.showInstead(session, members);
    const types = ["session.properties_updated", "session.participants_updated"];
    for (const notificationType of ["ParticipantsUpdated", "PropertiesUpdated"]) {
      centre.emit({ ...statusChange(session, "Chatting", members), notificationType }, "ada");
    }
    await consumer.attempts.until(
      "both updates",
      () => types.every((type) => newsOf(type).length > 0) || undefined,
    );
    await anotherGap(centre, consumer, session);
    for (const type of types) {
      assert.equal(newsOf(type).length, 1, type);
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
    const newsOf = await heardOf(centre, consumer, session);
    const members = { userData: { a: "1" }, participants: [ADA, CUSTOMER] };
    centre.showInstead(session, members);
    await anotherGap(centre, consumer, session);

    await world.patchbay.kill();
    centre.dropCometdSessions("ada");
    centre.showInstead(session, { userData: { a: "2" } });
    centre.customerTexts(session, "meanwhile");
    await world.startAnew();
    await listening(centre, "ada", 3, TAKEN_OVER_WITHIN_MS);
    await lastMessageTold(centre, consumer, session);
    const dataTold = newsOf("session.properties_updated");
    assert.deepEqual(dataTold.map(({ data }) => resourceIn(data).userData), [
      { a: "1" },
      { a: "2" },
    ]);
    assert.equal(newsOf("session.participants_updated").length, 1);
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

/** Patchbay has read the session and hears what is said in it. Resolves with a look at the events of a type from then on. */
async function heardOf(
  centre: ContactCentre,
  consumer: WebhookConsumer,
  session: string,
): Promise<(type: string) => readonly Event[]> {
  await listening(centre, "ada");
  centre.customerTexts(session, "Hello");
  await lastMessageTold(centre, consumer, session);
  const before = told(consumer, session).length;
  return (type) => told(consumer, session).slice(before).filter((event) => event.type === type);
}

/** Loses the connection and resolves once what was said meanwhile is told. */
async function anotherGap(
  centre: ContactCentre,
  consumer: WebhookConsumer,
  session: string,
): Promise<void> {
  const times = timesListening(centre, "ada");
  centre.dropCometdSessions("ada");
  centre.customerTexts(session, "meanwhile");
  await listening(centre, "ada", times + 1, PATIENT_MS);
  await lastMessageTold(centre, consumer, session);
}

function resourceIn(data: Event["data"]) {
  return Object(Object(data.notification).smssession);
}
