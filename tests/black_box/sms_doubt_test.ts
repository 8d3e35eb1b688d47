import assert from "node:assert/strict";
import { ignoredWithoutRedis } from "../support/needs_redis.ts";
import type { Answer } from "./client.ts";
import { agentText, newMessages } from "./notifications.ts";
import { assertProblem } from "./problem.ts";
import { readDeliveries } from "./shapes.ts";
import { neverAnswers } from "../support/never_answers.ts";
import { openRedis, openSqliteFile, openUpstash, type TestStore } from "./stores.ts";
import { acceptWithPhone } from "./story_sms_status.ts";
import { tellStatus } from "./twilio_calls.ts";
import type { SentText } from "../support/scripted_twilio.ts";
import type { RegisteredConsumer } from "./world.ts";
import { startWorld, type World } from "./world.ts";

const STORES: readonly (readonly [string, () => Promise<TestStore>, boolean])[] = [
  ["with SQLite in a file", openSqliteFile, false],
  ["with a Redis", () => openRedis(), ignoredWithoutRedis()],
  ["with Upstash's REST protocol", openUpstash, ignoredWithoutRedis()],
];
const UNSANITIZED = { sanitizeOps: false, sanitizeResources: false, sanitizeExit: false };

/** Twilio is waited for, and then looked at several times (docs/sms.md). */
const PATIENT_MS = 40_000;

const SENTENCES: Readonly<Record<string, (world: World) => Promise<void>>> = {
  async "a text that Twilio took without answering is found in its list, and not sent again"(
    world,
  ) {
    const { session, consumer, body } = await doubtful(world, (text) => text.take());
    const { event } = await consumer.received(session, "sms.sent", undefined, PATIENT_MS);
    assert.equal(event.data.messageIndex, 1);
    assert.equal(event.data.messageSid, (await world.twilio.asked(body)).sid);
    await goesOn(world, session);
    assert.equal(world.twilio.count(body), 1);
  },

  async "one whose report came is known without any look-up"(world) {
    const { session, consumer, body } = await doubtful(
      world,
      (text) => tellStatus(world, text, "delivered"),
    );
    const { event } = await consumer.received(session, "sms.sent", undefined, PATIENT_MS);
    assert.equal(event.data.messageSid, (await world.twilio.asked(body)).sid);
    await consumer.received(session, "sms.delivered", undefined, PATIENT_MS);
    assert.equal(world.twilio.count(body), 1);
  },

  async "one that is nowhere to be found is unknown, until somebody says sent"(world) {
    const { session, consumer, body, phone } = await doubtful(world, () => {});
    const delivery = await unknownOf(world, session);
    assert.ok(world.twilio.lookUps(phone) > 0, "it was looked up");
    assert.equal(world.twilio.count(body), 1);
    await goesOn(world, session);

    const path = `/v1/deliveries/${delivery}/resolve`;
    assertProblem(
      await (await world.agent("agent-1")).post(path, { outcome: "sent" }),
      "insufficient-scope",
    );
    assertProblem(await world.admin.post(path, { outcome: "perhaps" }), "invalid-parameter");
    assertProblem(await world.admin.post("/v1/deliveries/dlv_X_sms/resolve", SENT), "not-found");
    assertTaken(await world.admin.post(path, SENT));
    await eventOf(consumer, session, "sms.sent");
    assert.equal(await statusOf(world, delivery), "delivered");
    assertProblem(await world.admin.post(path, SENT), "invalid-parameter");
    assert.equal(world.twilio.count(body), 1);
  },

  async "or failed"(world) {
    const { session, consumer, body } = await doubtful(world, () => {});
    const delivery = await unknownOf(world, session);
    assertTaken(
      await world.admin.post(`/v1/deliveries/${delivery}/resolve`, { outcome: "failed" }),
    );
    await eventOf(consumer, session, "sms.failed");
    assert.equal(await statusOf(world, delivery), "dead");
    assert.equal(world.twilio.count(body), 1);
  },

  async "or wants it sent again"(world) {
    const { session, consumer, body } = await doubtful(world, () => {});
    const delivery = await unknownOf(world, session);
    world.twilio.answer(body, () => null);
    const path = `/v1/deliveries/${delivery}/resolve`;
    assertTaken(await world.admin.post(path, { outcome: "send-again" }));
    const { event } = await consumer.received(session, "sms.sent", undefined, PATIENT_MS);
    assert.equal(event.data.messageIndex, 1);
    assert.equal(world.twilio.count(body), 2);
  },
};

// Side by side, as they wait most of the time, but one store after the other, so that a small machine has its breath for
// each; that nothing is left open is checked by the test around them.
Deno.test("a text that Twilio takes without a word is never sent twice by itself", async (t) => {
  for (const [where, open, ignore] of STORES) {
    await t.step({
      ...UNSANITIZED,
      name: where,
      ignore,
      async fn(t) {
        await using store = await open();
        await using world = await startWorld(store, { WEBHOOK_TIMEOUT_MS: "1000" });
        await Promise.all(
          Object.entries(SENTENCES).map(([says, tell]) =>
            t.step({ ...UNSANITIZED, name: says, fn: () => tell(world) })
          ),
        );
      },
    });
  }
});

const SENT = { outcome: "sent" };

/** A text that Twilio gets and never answers; `then` is what Twilio does with it all the same. */
async function doubtful(world: World, then: (text: SentText) => void | Promise<void>) {
  const session = world.freshSession();
  const consumer = await world.consumer({ eventTypes: ["sms.*"] });
  const phone = await acceptWithPhone(world, session);
  const body = `Perhaps ${session}`;
  world.twilio.answer(body, async (text) => {
    await then(text);
    return await neverAnswers(text);
  });
  await world.notify(newMessages(session, agentText(1, body)));
  await world.twilio.asked(body);
  return { session, consumer, body, phone };
}

/** The session is not stuck behind the text in doubt. */
async function goesOn(world: World, session: string): Promise<void> {
  await world.notify(newMessages(session, agentText(2, `After ${session}`)));
  await world.twilio.asked(`After ${session}`, PATIENT_MS);
}

/** The id of the session's delivery that is unknown, as soon as there is one. */
async function unknownOf(world: World, session: string): Promise<string> {
  const startedMs = performance.now();
  for (;;) {
    const answer = await world.admin.get("/v1/deliveries?status=unknown&limit=100");
    const found = readDeliveries(answer.json()).data.find(({ sessionId }) => sessionId === session);
    if (found !== undefined) return found.id;
    assert.ok(performance.now() - startedMs < PATIENT_MS, `not unknown: ${answer.text}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function statusOf(world: World, delivery: string): Promise<unknown> {
  return Object((await world.admin.get(`/v1/deliveries/${delivery}`)).json()).status;
}

/** The event of the text in doubt, which is the session's first. */
async function eventOf(
  consumer: RegisteredConsumer,
  session: string,
  type: string,
): Promise<void> {
  await consumer.attempts.until(
    `${type} of the text in doubt`,
    (items) =>
      items.find(({ event }) =>
        event.type === type && event.data.sessionId === session && event.data.messageIndex === 1
      ),
  );
}

function assertTaken({ status, text }: Answer): void {
  assert.ok(status >= 200 && status < 300, `${status} ${text}`);
}
