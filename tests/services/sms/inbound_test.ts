import assert from "node:assert/strict";
import { StoreUnavailable } from "../../../services/errors.ts";
import type { Store } from "../../../services/store/port/store.ts";
import { createIds } from "../../../services/support/ids.ts";
import { onEachSmsStore, openSmsTestStore } from "../../support/sms_test_store.ts";
import { createTwilioIngressWorld } from "../../support/twilio_ingress.ts";
import { CUSTOMER, inboundFields, messageSid, OWN_NUMBER } from "../../support/twilio_requests.ts";
import { createVirtualClock } from "../../support/virtual_clock.ts";
import { startRedisServer } from "../../../simulator/kit/redis_server.ts";
import { redisTest } from "../../support/needs_redis.ts";
import { createRespTransport } from "../../../services/store/redis/resp_transport.ts";
import { openRedisStore } from "../../../services/store/redis/store.ts";
import { accept, POLICY } from "../../support/drafts.ts";

const SMS = "/ingress/twilio/sms";
const HOUR_MS = 3_600_000;

async function withCustomer(store: Store, nowMs: number, sessionId = "S1"): Promise<void> {
  await accept(store, sessionId, "agent-1", { nowMs });
  const customer = { phone: CUSTOMER, sender: OWN_NUMBER };
  await store.setCustomer({ sessionId, customer, nowMs });
}

/** A store whose `publish` fails the first time: before it has done anything, or after. */
function failingOnce(store: Store, when: "before" | "after"): Store {
  let failed = false;
  const publish: Store["publish"] = async (request) => {
    if (failed) return await store.publish(request);
    failed = true;
    if (when === "after") await store.publish(request);
    throw new StoreUnavailable("publish");
  };
  return { ...store, publish };
}

onEachSmsStore("IN-01 a hundred copies at once of one text make one event", async (store) => {
  const clock = createVirtualClock();
  await withCustomer(store, clock.now());
  await using world = createTwilioIngressWorld(store, { clock });
  const fields = inboundFields();
  const answers = await Promise.all(Array.from({ length: 100 }, () => world.post(SMS, fields)));
  for (const answer of answers) {
    assert.equal(answer.status, 200);
    assert.equal(await answer.text(), "<Response/>");
  }
  const events = await world.events("sms.received");
  assert.equal(events.length, 1);
  assert.equal(events[0]?.sessionId, "S1");
  assert.equal(events[0]?.sequence, 2);
});

onEachSmsStore(
  "IN-01 a copy is known for 48 hours, by whichever instance it comes to",
  async (store) => {
    const clock = createVirtualClock();
    await using world = createTwilioIngressWorld(store, { clock });
    const other = createTwilioIngressWorld({ ...store, close: () => Promise.resolve() }, { clock });
    const fields = inboundFields();
    await world.text(fields);
    clock.advance(47 * HOUR_MS);
    await other.text(fields);
    assert.equal((await world.events()).length, 1);
    await other[Symbol.asyncDispose]();
  },
);

for (const when of ["before", "after"] as const) {
  onEachSmsStore(
    `IN-02 a text whose publishing broke off ${when} it was done is taken by its next copy, once`,
    async (store) => {
      const clock = createVirtualClock();
      await withCustomer(store, clock.now());
      await using world = createTwilioIngressWorld(failingOnce(store, when), { clock });
      const fields = inboundFields({ Body: "STOP" });
      const refused = await world.post(SMS, fields);
      assert.equal(refused.status, 503);
      await refused.body?.cancel();
      clock.advance(5_000);
      await world.text(fields);
      await world.text(fields);
      const events = await world.events();
      assert.deepEqual(events.map(({ type, sequence }) => [type, sequence]), [
        ["session.accepted", 1],
        ["sms.received", 2],
        ["customer.opted_out", 3],
      ]);
      // The time is that of the first copy.
      assert.equal(events[1]?.occurredAtMs, clock.now() - 5_000);
    },
  );
}

Deno.test("IN-02 a copy that comes after the event has left the store publishes nothing", async () => {
  const eventRetentionMs = HOUR_MS;
  const store = openSmsTestStore({ sessionTtlMs: HOUR_MS, eventRetentionMs });
  const clock = createVirtualClock();
  let published = 0;
  const publish: Store["publish"] = (request) => {
    published += request.drafts.length;
    return store.publish(request);
  };
  await using world = createTwilioIngressWorld({ ...store, publish }, { clock, eventRetentionMs });
  const fields = inboundFields();
  await world.text(fields);
  clock.advance(HOUR_MS - 1);
  await world.text(fields);
  assert.equal(published, 2);
  clock.advance(1);
  await world.text(fields);
  assert.equal(published, 2);
});

onEachSmsStore("IN-03 fifty texts in a row keep their order", async (store) => {
  const clock = createVirtualClock();
  await withCustomer(store, clock.now());
  await using world = createTwilioIngressWorld(store, { clock });
  const texts = Array.from({ length: 50 }, (_, index) => `text ${index}`);
  for (const Body of texts) await world.text(inboundFields({ Body }));
  const events = await world.events("sms.received");
  assert.deepEqual(events.map(({ data }) => data["text"]), texts);
  assert.deepEqual(events.map(({ sequence }) => sequence), texts.map((_, index) => index + 2));
});

onEachSmsStore("IN-04 a text in base64 reaches consumers as words", async (store) => {
  await using world = createTwilioIngressWorld(store);
  const words = "A long text of several segments, which the network has handed over in base64. 🛎️";
  await world.text(inboundFields({ Body: new TextEncoder().encode(words).toBase64() }));
  assert.equal((await world.events())[0]?.data["text"], words);
});

onEachSmsStore("IN-05 null bytes and other oddities in a text are kept", async (store) => {
  await using world = createTwilioIngressWorld(store);
  const odd = ["a\0b", "\u{1f6ce}\ufe0f", "\u2028\r\n\t", "\ufeffx", '"\\', "é e\u0301", "\ud83d?"];
  // A lone surrogate cannot be written in UTF-8: Twilio would send U+FFFD.
  const bodies = odd.map((body) => body.toWellFormed());
  for (const Body of bodies) await world.text(inboundFields({ Body }));
  const events = await world.events();
  assert.deepEqual(events.map(({ data }) => data["text"]), bodies);
});

onEachSmsStore("IN-06 a picture without words is an event with an empty text", async (store) => {
  await using world = createTwilioIngressWorld(store);
  const MessageSid = messageSid().replace("SM", "MM");
  await world.text(inboundFields({
    MessageSid,
    Body: "",
    NumMedia: "1",
    MediaUrl0: "https://api.twilio.com/media/ME1",
    MediaContentType0: "image/jpeg",
  }));
  const [event] = await world.events();
  const { media, ...data } = event?.data ?? {};
  assert.deepEqual(data, {
    messageIndex: null,
    messageSid: MessageSid,
    errorCode: null,
    from: CUSTOMER,
    to: OWN_NUMBER,
    text: "",
  });
  assert.ok(Array.isArray(media) && media.length === 1);
  const [{ url, ...told }] = media;
  assert.deepEqual(told, { contentType: "image/jpeg", size: null });
  assert.ok(String(url).startsWith("https://edge.example/v1/media/"));
});

onEachSmsStore("IN-07 of eleven pictures ten are told, and the log says so", async (store) => {
  await using world = createTwilioIngressWorld(store);
  const media = Object.fromEntries(
    Array.from({ length: 11 }, (_, index) => [`MediaUrl${index}`, `https://m.example/${index}`]),
  );
  await world.text(inboundFields({ ...media, NumMedia: "11", Body: "look" }));
  const [event] = await world.events();
  const told = event?.data["media"];
  assert.ok(Array.isArray(told));
  assert.equal(told.length, 10);
  assert.equal(event?.data["text"], "look");
  assert.equal(world.log.of("sms.received")[0]?.fields["mediaLeftOut"], 1);
});

onEachSmsStore("IN-08 a short code may text us, and may opt out", async (store) => {
  await using world = createTwilioIngressWorld(store);
  await world.text(inboundFields({ From: "24680", Body: "STOP" }));
  const events = await world.events();
  assert.deepEqual(events.map(({ type }) => type), ["sms.received", "customer.opted_out"]);
  assert.equal(events[0]?.data["from"], "24680");
  assert.equal(await world.optOuts.isOptedOut("24680", { from: OWN_NUMBER }), true);
});

onEachSmsStore("IN-09 a text of nobody's session is kept without one", async (store) => {
  const clock = createVirtualClock();
  await withCustomer(store, clock.now());
  await using world = createTwilioIngressWorld(store, { clock });
  await world.text(inboundFields({ From: "+16501119999", Body: "hello?" }));
  const [event] = await world.events("sms.received");
  assert.equal(event?.sessionId, null);
  assert.equal(event?.sequence, null);
  assert.equal(event?.agentId, null);
  assert.equal(event?.data["text"], "hello?");
});

onEachSmsStore("a text belongs to the customer's session that was accepted last", async (store) => {
  const clock = createVirtualClock();
  await withCustomer(store, clock.now(), "S1");
  await withCustomer(store, clock.now() + 1_000, "S2");
  await using world = createTwilioIngressWorld(store, { clock });
  clock.advance(2_000);
  await world.text(inboundFields());
  const [event] = await world.events("sms.received");
  assert.equal(event?.sessionId, "S2");
  assert.equal(event?.agentId, "agent-1");
});

for (const step of ["findCustomerSession", "writeRecord", "publish"] as const) {
  Deno.test(`IN-10 while the store fails at ${step} the answer is 503 with Retry-After`, async () => {
    const fail = () => Promise.reject(new StoreUnavailable(step));
    await using world = createTwilioIngressWorld({ ...openSmsTestStore(), [step]: fail });
    const answer = await world.post(SMS, inboundFields());
    assert.equal(answer.status, 503);
    assert.ok(Number(answer.headers.get("retry-after")) > 0);
    assert.equal((await answer.json()).type, "/problems/store-unavailable");
  });
}

redisTest("IN-10 while Redis hangs the answer is 503, and the next copy is taken", async () => {
  await using redis = await startRedisServer();
  const transport = createRespTransport({ url: redis.url });
  const store = openRedisStore({ transport, shards: 1, policy: POLICY });
  await using world = createTwilioIngressWorld(store);
  const fields = inboundFields();
  await store.ping();
  redis.pause();
  const answer = await world.post(SMS, fields);
  assert.equal(answer.status, 503);
  await answer.body?.cancel();
  redis.resume();
  await world.text(fields);
  assert.equal((await world.events("sms.received")).length, 1);
});

Deno.test("numbers are logged by their last four digits, and texts not at all", async () => {
  await using world = createTwilioIngressWorld(openSmsTestStore(), { ids: createIds() });
  await world.text(inboundFields({ Body: "my secret" }));
  await world.text(inboundFields({ Body: "STOP" }));
  const logged = JSON.stringify(world.log.entries);
  assert.ok(logged.includes("…0001") && logged.includes("sms.received"));
  for (const secret of ["my secret", CUSTOMER.slice(1), OWN_NUMBER.slice(1)]) {
    assert.ok(!logged.includes(secret), secret);
  }
});
