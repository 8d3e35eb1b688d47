import assert from "node:assert/strict";
import { neverAnswers } from "../support/never_answers.ts";
import { twilioError } from "../support/scripted_twilio.ts";
import { agentText, newMessages, statusChange } from "./notifications.ts";
import { openSqliteFile } from "./stores.ts";
import { deliveriesOf, historyOf } from "./texts.ts";
import { startWorld, type World } from "./world.ts";

/** Two numbers with the same last four digits, so that what is shown of a number does not tell them apart. */
const ONE = "+16502530123";
const OTHER = "+12125550123";

/** agent-1 holds a session whose customer has the number `told`. */
async function holdSession(world: World, told: string) {
  const session = world.freshSession();
  const agent = await world.agent("agent-1");
  await agent.accept(session);
  await world.notify(statusChange(session, "Chatting", { userData: { PhoneNumber: told } }));
  const change = async (phone: string) => {
    const answer = await agent.put(`/v1/sessions/${session}/customer`, { phone });
    assert.equal(answer.status, 200, answer.text);
  };
  return { session, change };
}

/** The first part of a text of two is taken, and the second waits. */
async function secondPartWaits(world: World, session: string) {
  const [first, second] = ["a".repeat(1530), `b ${session}`];
  let limited = true;
  world.twilio.answer(second, () => limited ? twilioError(429, 20429) : null);
  await world.notify(newMessages(session, agentText(1, first + second)));
  await world.twilio.asked(second);
  return { second, letThrough: () => void (limited = false) };
}

const sentTo = (world: World, phone: string) =>
  world.twilio.texts.items.filter(({ to }) => to === phone);

Deno.test("a text whose first part had left went on to the number that was set meanwhile", async () => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store, { WEBHOOK_RETRY_S: "1,1,1,1,1,1" });
  const { session, change } = await holdSession(world, ONE);
  const { letThrough } = await secondPartWaits(world, session);
  await change(OTHER);
  letThrough();
  const [text] = await deliveriesOf(world, session, ({ status }) => status === "dead");
  const { attempts } = await historyOf(world, text?.id ?? "");
  assert.match(attempts.at(-1)?.detail ?? "", /number was changed/);
  // What is said from now on goes to the number that counts now.
  await world.notify(newMessages(session, agentText(2, "After")));
  await world.twilio.asked("After");
  assert.deepEqual(sentTo(world, OTHER).map(({ body }) => body), ["After"]);
});

Deno.test("the same number written in another way is no change: the text goes on", async () => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store, { WEBHOOK_RETRY_S: "1,1,1,1,1,1" });
  const { session, change } = await holdSession(world, ONE.slice(1));
  const { second, letThrough } = await secondPartWaits(world, session);
  await change("+1 (650) 253-0123");
  letThrough();
  await deliveriesOf(world, session, ({ status }) => status === "delivered");
  assert.deepEqual(new Set(world.twilio.texts.items.map(({ to }) => to)), new Set([ONE]));
  assert.ok(sentTo(world, ONE).some(({ body }) => body === second));
});

Deno.test("a text in doubt was looked up at, and sent again to, the number that was set meanwhile", async () => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store, {
    WEBHOOK_TIMEOUT_MS: "1000",
    WEBHOOK_RETRY_S: "2,2,2",
  });
  const { session, change } = await holdSession(world, ONE);
  const body = `Perhaps ${session}`;
  world.twilio.answer(body, neverAnswers);
  await world.notify(newMessages(session, agentText(1, body)));
  await world.twilio.asked(body);
  await change(OTHER);
  const [text] = await deliveriesOf(world, session, ({ status }) => status === "unknown");
  const id = text?.id ?? "";
  const { attempts } = await historyOf(world, id);
  assert.match(attempts.at(-1)?.detail ?? "", /number was changed/);
  assert.equal(world.twilio.lookUps(OTHER), 0);

  world.twilio.answer(body, () => null);
  const resolve = await world.admin.post(`/v1/deliveries/${id}/resolve`, { outcome: "send-again" });
  assert.ok(resolve.status < 300, resolve.text);
  await world.notify(newMessages(session, agentText(2, "After")));
  await world.twilio.asked("After");
  assert.deepEqual(sentTo(world, OTHER).map(({ body }) => body), ["After"]);
  const [again] = await deliveriesOf(world, session, ({ messageIndex }) => messageIndex === 1);
  assert.equal(again?.status, "unknown");
  // With the number put back it is the operator's word that counts.
  await change(ONE);
  await world.admin.post(`/v1/deliveries/${id}/resolve`, { outcome: "send-again" });
  await deliveriesOf(world, session, ({ status }) => status === "delivered", 2);
  assert.deepEqual(sentTo(world, ONE).map(({ body }) => body), [body, body]);
});
