import assert from "node:assert/strict";
import { agentText, newMessages } from "./notifications.ts";
import { openSqliteFile } from "./stores.ts";
import { startWorld, type World } from "./world.ts";

/** An agent pushes this address to a customer: the media that Twilio was asked to send with it, call by call. */
async function push(world: World, url: string): Promise<(readonly string[])[]> {
  const session = world.freshSession();
  const consumer = await world.consumer({ eventTypes: ["sms.sent"] });
  const agent = await world.agent("agent-1");
  await agent.accept(session);
  await agent.put(`/v1/sessions/${session}/customer`, { phone: world.freshPhone() });
  const { text: _, ...message } = agentText(1, url);
  await world.notify(newMessages(session, { ...message, type: "PushUrl", url }));
  await consumer.received(session, "sms.sent");
  return world.twilio.requests.items
    .map(({ method, body }) => ({ method, form: new URLSearchParams(body) }))
    .filter(({ method, form }) => method === "POST" && form.get("Body") === url)
    .map(({ form }) => form.getAll("MediaUrl"));
}

Deno.test("a picture that an agent pushed arrived as a bare address", async () => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store, { MEDIA: "on" });
  for (const path of ["a.jpg", "b.JPEG?size=2", "c/d.png#top", "e.gif"]) {
    const url = `https://shop.example/${path}`;
    assert.deepEqual(await push(world, url), [[url]]);
  }
  for (const path of ["page", "a.jpg/about", "?picture=a.jpg", "a.svg", "a.pdf"]) {
    assert.deepEqual(await push(world, `https://shop.example/${path}`), [[]], path);
  }
});

Deno.test("a picture that Twilio refuses leaves as text, once", async () => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store, { MEDIA: "on" });
  const url = "https://shop.example/refused.png";
  world.twilio.faults.mediaRefused();
  assert.deepEqual(await push(world, url), [[url], []]);
});

Deno.test("a picture from a sender or an account that cannot send any ended the text", async () => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store, { MEDIA: "on" });
  for (const code of [21620, 21621, 21622]) {
    const url = `https://shop.example/${code}.png`;
    world.twilio.faults.mediaRefused({ code });
    assert.deepEqual(await push(world, url), [[url], []], String(code));
  }
});

Deno.test("without MEDIA an address leaves as text, whatever it leads to", async () => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store);
  assert.deepEqual(await push(world, "https://shop.example/a.jpg"), [[]]);
});
