import assert from "node:assert/strict";
import { agentText, newMessages } from "./notifications.ts";
import type { Event } from "./shapes.ts";
import { openSqliteFile } from "./stores.ts";
import { bringText, customerText, type Fields, tellStatus } from "./twilio_calls.ts";
import { startWorld, type World } from "./world.ts";

/** A consumer of all that is about texts, and what it is told of a text. */
async function listen(world: World) {
  const consumer = await world.consumer({ eventTypes: ["sms.*", "customer.*"] });
  const about = (type: string, messageSid: string): Promise<Event> =>
    consumer.attempts.until(
      `${type} of ${messageSid}`,
      (items) =>
        items.map(({ event }) => event).find((event) =>
          event.type === type && event.data.messageSid === messageSid
        ),
    );
  return { consumer, about };
}

async function holdSession(world: World, customer: Fields): Promise<string> {
  const session = world.freshSession();
  const agent = await world.agent("agent-1");
  await agent.accept(session);
  const answer = await agent.put(`/v1/sessions/${session}/customer`, customer);
  assert.equal(answer.status, 200, answer.text);
  return session;
}

Deno.test("a STOP to another number of ours than the configured or the newest session's was refused with 403", async () => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store);
  const { about } = await listen(world);
  const phone = world.freshPhone();
  await holdSession(world, { phone, sender: "+16502530888" });
  await holdSession(world, { phone, sender: "+16502530999" });
  for (const To of ["+16502530777", "+16502530888", "24680", "rcs:our_agent", "Our Shop"]) {
    const fields = customerText(world, phone, "STOP", { To });
    const answer = await bringText(world, fields);
    assert.equal(answer.status, 200, `${To}: ${answer.text}`);
    assert.equal((await about("sms.received", fields.MessageSid)).data.to, To);
    await about("customer.opted_out", fields.MessageSid);
  }
});

Deno.test("a STOP with marks that nobody sees, or told in other letters, was no STOP", async () => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store);
  const { about } = await listen(world);
  const texts = ["\u200fSTOP\u200f", "stop\u200b", "ＳＴＯＰ", "\u00a0Unsubscribe\u00a0\r\n"];
  for (const body of texts) {
    const fields = customerText(world, world.freshPhone(), body);
    await bringText(world, fields);
    await about("customer.opted_out", fields.MessageSid);
  }
  // What Advanced Opt-Out has understood, however it is written.
  for (const OptOutType of ["STOP", "stop", "Stop"]) {
    const fields = customerText(world, world.freshPhone(), "ARRET", { OptOutType });
    await bringText(world, fields);
    await about("customer.opted_out", fields.MessageSid);
  }
});

Deno.test("a text to the number of an older session went to a newer one whose sender nobody knows", async () => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store);
  const { about } = await listen(world);
  const phone = world.freshPhone();
  const exact = await holdSession(world, { phone, sender: "+16502530888" });
  const unknown = await holdSession(world, { phone });
  const receivedBy = async (To: string) => {
    const fields = customerText(world, phone, "Hello", { To });
    await bringText(world, fields);
    return (await about("sms.received", fields.MessageSid)).data.sessionId;
  };
  assert.equal(await receivedBy("+16502530888"), exact);
  assert.equal(await receivedBy("+16502530777"), unknown);
});

Deno.test("what names, rcs: and whatsapp: addresses write was thrown away with 400", async () => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store);
  const { about } = await listen(world);
  const phone = world.freshPhone();
  await holdSession(world, { phone });
  const senders = ["Shop Ltd", "24seven", "24680", "rcs:+16502530901", `whatsapp:${phone}`];
  for (const from of senders) {
    const fields = customerText(world, from, "Stop");
    const answer = await bringText(world, fields);
    assert.equal(answer.status, 200, `${from}: ${answer.text}`);
    const { data } = await about("sms.received", fields.MessageSid);
    assert.equal(data.from, from);
    assert.equal(data.sessionId, null);
    const out = await about("customer.opted_out", fields.MessageSid);
    assert.equal(out.data.phone, from);
  }
  // Channels have messages without words, and Twilio repeats none that is refused.
  const { Body: _, ...wordless } = customerText(world, `whatsapp:${phone}`, "");
  assert.equal((await bringText(world, wordless)).status, 200);
});

Deno.test("a report on a text that went to or from such an address was refused with 400", async () => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store);
  const { consumer } = await listen(world);
  for (const members of [{ From: "Our Shop" }, { To: "rcs:+16502530001" }, { From: "rcs:shop" }]) {
    const session = await holdSession(world, { phone: world.freshPhone() });
    const body = `Reported by ${JSON.stringify(members)}`;
    await world.notify(newMessages(session, agentText(1, body)));
    await tellStatus(world, await world.twilio.asked(body), "delivered", members);
    await consumer.received(session, "sms.delivered");
  }
});

for (
  const [publicUrl, typed] of [
    ["https://Edge.Example", "https://Edge.Example"],
    ["https://Edge.Example", "https://edge.example"],
    ["https://bücher.example", "https://bücher.example"],
    ["https://xn--bcher-kva.example", "https://bücher.example"],
    ["https://bücher.example/", "https://xn--bcher-kva.example"],
    ["HTTPS://edge.example:443/", "https://edge.example"],
  ] as const
) {
  Deno.test(`with PUBLIC_URL=${publicUrl} what Twilio signs for ${typed} is taken`, async () => {
    await using store = await openSqliteFile();
    await using world = await startWorld(store, { PUBLIC_URL: publicUrl });
    const fields = customerText(world, world.freshPhone(), "Hello");
    const answer = await bringText(world, fields, { publicUrl: typed });
    assert.equal(answer.status, 200, answer.text);
    const elsewhere = { publicUrl: "https://other.example" };
    assert.equal((await bringText(world, fields, elsewhere)).status, 401);
  });
}
