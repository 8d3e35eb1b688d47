/** The simulated consumer of Standard Webhooks: what it verifies, keeps and answers. */
import assert from "node:assert/strict";
import { Webhook } from "standardwebhooks";
import { createVirtualClock } from "../../support/virtual_clock.ts";
import { startWebhookConsumer } from "../../../simulator/webhook_consumer/server.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const BODY = '{"type": "sms.sent","data":{}}';

interface Signed {
  readonly id?: string;
  readonly secret?: string;
  readonly atMs?: number;
  readonly body?: string;
  /** Replaces the signature. */
  readonly signature?: string;
  readonly signal?: AbortSignal;
}

/** Sends what a producer would send, signed by the reference library. */
function deliver(url: string, signed: Signed = {}): Promise<Response> {
  const { id = "evt_1", secret = SECRET, atMs = Date.now(), body = BODY, signal } = signed;
  const signature = signed.signature ?? new Webhook(secret).sign(id, new Date(atMs), body);
  return fetch(url, {
    method: "POST",
    redirect: "manual",
    headers: {
      "content-type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(atMs / 1000)),
      "webhook-signature": signature,
    },
    body,
    ...(signal === undefined ? {} : { signal }),
  });
}

async function statusOf(response: Promise<Response>): Promise<number> {
  const { status, body } = await response;
  await body?.cancel();
  return status;
}

Deno.test("a signed delivery is verified, kept and answered 204", async () => {
  await using consumer = await startWebhookConsumer({ secret: SECRET });
  assert.equal(await statusOf(deliver(consumer.url)), 204);
  const delivery = await consumer.received(1);
  assert.equal(delivery.verified, true);
  assert.equal(delivery.id, "evt_1");
  assert.equal(delivery.type, "sms.sent");
  assert.equal(delivery.body, BODY);
  assert.equal(delivery.duplicateOf, undefined);
  assert.equal(delivery.headers.get("content-type"), "application/json");
});

const goodAt = (atMs: number) => new Webhook(SECRET).sign("evt_1", new Date(atMs), BODY);

const FORGERIES: readonly (readonly [string, () => Signed])[] = [
  ["signed with another secret", () => ({ secret: OTHER_SECRET })],
  [
    "with the signature of another body",
    () => ({ body: '{"type":"x"}', signature: goodAt(Date.now()) }),
  ],
  ["with the signature of another id", () => ({ id: "evt_2", signature: goodAt(Date.now()) })],
  ["without a signature's value", () => ({ signature: "v1," })],
  ["with a beginning of the signature", () => ({ signature: goodAt(Date.now()).slice(0, 8) })],
  ["with an unknown version only", () => ({ signature: goodAt(Date.now()).replace("v1", "v2") })],
  ["that is six minutes old", () => ({ atMs: Date.now() - 360_000 })],
  ["from six minutes ahead", () => ({ atMs: Date.now() + 360_000 })],
];

for (const [what, forge] of FORGERIES) {
  Deno.test(`a delivery ${what} is refused with 401 and kept as not verified`, async () => {
    await using consumer = await startWebhookConsumer({
      secret: SECRET,
      respond: () => assert.fail("the handler is for verified deliveries"),
    });
    assert.equal(await statusOf(deliver(consumer.url, forge())), 401);
    const delivery = await consumer.received(1);
    assert.equal(delivery.verified, false);
    assert.notEqual(delivery.fault, undefined);
  });

  Deno.test(`on a clock of the test's own a delivery ${what} is refused too`, async () => {
    const clock = createVirtualClock(Date.now());
    await using consumer = await startWebhookConsumer({ secret: SECRET, clock });
    assert.equal(await statusOf(deliver(consumer.url, forge())), 401);
  });
}

Deno.test("on a clock of the test's own a timestamp is good by that clock", async () => {
  const clock = createVirtualClock();
  await using consumer = await startWebhookConsumer({ secret: SECRET, clock });
  assert.equal(await statusOf(deliver(consumer.url, { atMs: clock.now() })), 204);
  clock.advance(3_600_000);
  assert.equal(await statusOf(deliver(consumer.url, { atMs: clock.now() })), 204);
  assert.equal(await statusOf(deliver(consumer.url, { atMs: clock.now() - 301_000 })), 401);
});

Deno.test("a delivery with one good signature among several is verified", async () => {
  await using consumer = await startWebhookConsumer({ secret: SECRET });
  const atMs = Date.now();
  const foreign = new Webhook(OTHER_SECRET).sign("evt_1", new Date(atMs), BODY);
  const signature = `${foreign} v1a,AAAA ${goodAt(atMs)}`;
  assert.equal(await statusOf(deliver(consumer.url, { atMs, signature })), 204);
});

Deno.test("a request without any of the headers is refused", async () => {
  await using consumer = await startWebhookConsumer({ secret: SECRET });
  assert.equal(await statusOf(fetch(consumer.url)), 401);
  const delivery = await consumer.received(1);
  assert.deepEqual([delivery.method, delivery.id, delivery.type], ["GET", "", null]);
});

Deno.test("without a secret nothing is verified, and the secret can be set later", async () => {
  await using consumer = await startWebhookConsumer();
  assert.equal(await statusOf(deliver(consumer.url)), 401);
  consumer.setSecret(SECRET);
  assert.equal(await statusOf(deliver(consumer.url)), 204);
  assert.deepEqual(consumer.deliveries.map(({ verified }) => verified), [false, true]);
});

Deno.test("a repeated id names the delivery that it repeats; a forged one does not count", async () => {
  await using consumer = await startWebhookConsumer({ secret: SECRET });
  for (const signed of [{ secret: OTHER_SECRET }, {}, { id: "evt_2" }, {}]) {
    await statusOf(deliver(consumer.url, signed));
  }
  assert.deepEqual(
    consumer.deliveries.map(({ duplicateOf }) => duplicateOf),
    [undefined, undefined, undefined, 2],
  );
});

Deno.test("every path is an inbox with its own secret and behaviour", async () => {
  await using consumer = await startWebhookConsumer({ secret: SECRET });
  const [a, b] = [consumer.at("/a"), consumer.at("/b")];
  b.setSecret(OTHER_SECRET);
  b.respond(() => ({ kind: "answer", status: 500 }));
  assert.equal(await statusOf(deliver(a.url)), 204);
  assert.equal(await statusOf(deliver(b.url)), 401);
  assert.equal(await statusOf(deliver(b.url, { secret: OTHER_SECRET })), 500);
  assert.deepEqual([a, b, consumer].map(({ deliveries }) => deliveries.length), [1, 2, 0]);
});

Deno.test("the handler decides per delivery, by its number", async () => {
  await using consumer = await startWebhookConsumer({ secret: SECRET });
  consumer.respond((_delivery, n) => ({
    kind: "answer",
    status: n === 1 ? 503 : 200,
    headers: { "retry-after": "7" },
    body: `delivery ${n}`,
  }));
  const first = await deliver(consumer.url);
  assert.deepEqual([first.status, first.headers.get("retry-after")], [503, "7"]);
  assert.equal(await first.text(), "delivery 1");
  assert.equal(await statusOf(deliver(consumer.url)), 200);
});

Deno.test("an answer can be delayed on the consumer's clock", async () => {
  const clock = createVirtualClock();
  await using consumer = await startWebhookConsumer({ secret: SECRET, clock });
  consumer.respond(() => ({ kind: "answer", status: 204, delayMs: 20_000 }));
  const answer = deliver(consumer.url, { atMs: clock.now() });
  await clock.whenArmed();
  assert.equal(clock.nextDueInMs(), 20_000);
  clock.advance(20_000);
  assert.equal(await statusOf(answer), 204);
});

Deno.test("a hang ends when the sender gives up, and that can be awaited", async () => {
  await using consumer = await startWebhookConsumer({ secret: SECRET });
  consumer.respond(() => ({ kind: "hang" }));
  const giveUp = new AbortController();
  const answer = deliver(consumer.url, { signal: giveUp.signal });
  const { senderGone } = await consumer.received(1);
  giveUp.abort();
  await assert.rejects(answer, { name: "AbortError" });
  await senderGone;
});

Deno.test("a drip sends one chunk after the other on the consumer's clock", async () => {
  const clock = createVirtualClock();
  await using consumer = await startWebhookConsumer({ secret: SECRET, clock });
  consumer.respond(() => ({ kind: "drip", everyMs: 1_000, chunks: 3 }));
  const response = await deliver(consumer.url, { atMs: clock.now() });
  const text = response.text();
  for (let chunk = 1; chunk <= 3; chunk++) {
    await clock.whenArmed();
    clock.advance(1_000);
  }
  assert.equal(await text, "...");
});

Deno.test("a drip without end stops when the sender gives up, and leaves no timer", async () => {
  const clock = createVirtualClock();
  await using consumer = await startWebhookConsumer({ secret: SECRET, clock });
  consumer.respond(() => ({ kind: "drip", everyMs: 1_000, chunks: Infinity }));
  const giveUp = new AbortController();
  const response = await deliver(consumer.url, { atMs: clock.now(), signal: giveUp.signal });
  await clock.whenArmed();
  giveUp.abort();
  await assert.rejects(response.text());
  const { senderGone } = await consumer.received(1);
  await senderGone;
  assert.equal(clock.pending(), 0);
});

Deno.test("a redirect points elsewhere", async () => {
  await using consumer = await startWebhookConsumer({ secret: SECRET });
  consumer.respond(() => ({ kind: "redirect", location: "/b", status: 307 }));
  const response = await deliver(consumer.url);
  await response.body?.cancel();
  assert.deepEqual([response.status, response.headers.get("location")], [307, "/b"]);
});

Deno.test("a reset breaks the connection", async () => {
  await using consumer = await startWebhookConsumer({ secret: SECRET });
  consumer.respond(() => ({ kind: "reset" }));
  await assert.rejects(deliver(consumer.url));
  assert.equal((await consumer.received(1)).verified, true);
});

Deno.test("waitFor() finds a delivery by what it says", async () => {
  await using consumer = await startWebhookConsumer({ secret: SECRET });
  const wanted = consumer.waitFor(({ id }) => id === "evt_9");
  await statusOf(deliver(consumer.url));
  await statusOf(deliver(consumer.url, { id: "evt_9" }));
  assert.equal((await wanted).id, "evt_9");
});

Deno.test("unverified deliveries are answered like others where the consumer is told so, and marked", async () => {
  await using consumer = await startWebhookConsumer({
    unverified: "respond",
    respond: () => ({ kind: "answer", status: 202 }),
  });
  assert.equal(await statusOf(deliver(consumer.url)), 202);
  const { verified, fault } = await consumer.received(1);
  assert.deepEqual({ verified, fault }, { verified: false, fault: "No secret was set" });
});

Deno.test("a consumer that records nothing shows each delivery and counts it, and keeps none", async () => {
  const seen: string[] = [];
  const counts: number[] = [];
  await using consumer = await startWebhookConsumer({
    secret: SECRET,
    record: false,
    onDelivery: ({ id }) => seen.push(id),
    respond(_delivery, n) {
      counts.push(n);
      return { kind: "answer", status: 204 };
    },
  });
  for (const id of ["evt_1", "evt_2"]) await statusOf(deliver(consumer.url, { id }));
  assert.deepEqual(seen, ["evt_1", "evt_2"]);
  assert.deepEqual(counts, [1, 2]);
  assert.deepEqual(consumer.deliveries, []);
});

Deno.test("a handler may answer with a response of its own", async () => {
  await using consumer = await startWebhookConsumer({
    secret: SECRET,
    respond: () => new Response("come back later", { status: 503, headers: { "x-own": "1" } }),
  });
  const response = await deliver(consumer.url);
  assert.equal(response.status, 503);
  assert.equal(response.headers.get("x-own"), "1");
  assert.equal(await response.text(), "come back later");
});
