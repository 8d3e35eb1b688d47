/** Customers' texts as the simulated Twilio hands them in: fields, signatures, repetitions, answers. */
import assert from "node:assert/strict";
import { isSigned, startHookServer } from "./hook_server.ts";
import { startTwilio, type TwilioOptions } from "../../../simulator/twilio/server.ts";
import { FROM, list, postGood, TO } from "./client.ts";

const EMPTY_TWIML = () => new Response("<Response/>", { headers: { "content-type": "text/xml" } });

/** A Twilio that hands texts in at a server which answers so. */
async function start(
  answer: Parameters<typeof startHookServer>[0] = EMPTY_TWIML,
  { query = "", ...options }: TwilioOptions & { readonly query?: string } = {},
) {
  const hooks = startHookServer(answer);
  const inboundUrl = `${hooks.url}/sms${query}`;
  const twilio = await startTwilio({ inboundUrl, ...options });
  return {
    hooks,
    twilio,
    inboundUrl,
    async [Symbol.asyncDispose]() {
      await twilio.close();
      await hooks[Symbol.asyncDispose]();
    },
  };
}

Deno.test("a customer's text is handed in with Twilio's fields, signed", async () => {
  await using world = await start();
  const { messageSid, taken, replies, alert } = await world.twilio.textIn({
    from: TO,
    body: "Where is it? 'Ü'",
    media: [{ url: "https://media.example/1", contentType: "image/png" }],
    messagingServiceSid: `MG${"1".repeat(32)}`,
  });
  const request = await world.hooks.requests.received(1);
  assert.deepEqual(request.fields, {
    AccountSid: world.twilio.accountSid,
    ApiVersion: "2010-04-01",
    Body: "Where is it? 'Ü'",
    From: TO,
    FromCountry: "US",
    MediaContentType0: "image/png",
    MediaUrl0: "https://media.example/1",
    MessageSid: messageSid,
    MessagingServiceSid: `MG${"1".repeat(32)}`,
    NumMedia: "1",
    NumSegments: "1",
    SmsMessageSid: messageSid,
    SmsSid: messageSid,
    SmsStatus: "received",
    To: FROM,
    ToCountry: "US",
  });
  assert.ok(isSigned(request, world.twilio.authToken, world.inboundUrl));
  assert.deepEqual([taken, replies, alert], [true, [], null]);
});

Deno.test("names, short codes and addresses of other channels write and are written to; only numbers are in a country", async () => {
  await using world = await start();
  for (
    const [from, to] of [
      ["Shop Ltd", FROM],
      ["24680", "13579"],
      [`whatsapp:${TO}`, `whatsapp:${FROM}`],
      [`rcs:${TO}`, "rcs:shop_agent"],
      [TO, "+15005550077"],
    ] as const
  ) {
    const { messageSid, taken } = await world.twilio.textIn({ from, to, body: "Hi" });
    assert.ok(taken);
    const { fields } = world.hooks.requests.items.find(({ fields }) =>
      fields["MessageSid"] === messageSid
    ) ?? assert.fail("not handed in");
    assert.deepEqual([fields["From"], fields["To"]], [from, to]);
    assert.equal("FromCountry" in fields, from.startsWith("+"), from);
    assert.equal("ToCountry" in fields, to.startsWith("+"), to);
  }
});

Deno.test("a URL is signed as it was typed, and called where it is reached", async () => {
  await using world = await start();
  const typed = "https://Edge.Example/sms";
  world.twilio.configure({
    inboundUrl: typed,
    reach: { "https://edge.example": new URL(world.hooks.url).origin },
  });
  await world.twilio.textIn({ from: TO, body: "Hi" });
  const request = await world.hooks.requests.received(1);
  assert.ok(isSigned(request, world.twilio.authToken, typed));
  assert.ok(!isSigned(request, world.twilio.authToken, typed.toLowerCase()));
});

Deno.test("a promoted token signs from then on", async () => {
  await using world = await start();
  world.twilio.configure({ signingToken: "promoted" });
  await world.twilio.textIn({ from: TO, body: "Hi" });
  assert.ok(isSigned(await world.hooks.requests.received(1), "promoted", world.inboundUrl));
});

Deno.test("fields can be set as nobody sends them, and are signed all the same", async () => {
  await using world = await start();
  await world.twilio.textIn({ from: TO, fields: { AccountSid: "AC1", NumMedia: "11" } });
  const request = await world.hooks.requests.received(1);
  assert.deepEqual([request.fields["AccountSid"], request.fields["NumMedia"]], ["AC1", "11"]);
  assert.ok(isSigned(request, world.twilio.authToken, world.inboundUrl));
});

Deno.test("an earlier text can be handed in again under its SID", async () => {
  await using world = await start();
  const { messageSid } = await world.twilio.textIn({ from: TO, body: "Hi" });
  const again = await world.twilio.textIn({ from: TO, body: "Hi", sid: messageSid });
  assert.equal(again.messageSid, messageSid);
  assert.equal(world.twilio.texts.items.length, 1);
  const [first, second] = world.hooks.requests.items;
  assert.deepEqual(second?.fields, first?.fields);
});

Deno.test("texts of customers are in the list beside the messages to them", async () => {
  await using world = await start();
  await world.twilio.textIn({ from: TO, body: "Hello?" });
  await postGood(world.twilio, { Body: "Hello!" });
  const { messages } = await list(world.twilio);
  assert.deepEqual(messages.map(({ body, direction }) => [body, direction]).toSorted(), [
    ["Hello!", "outbound-api"],
    ["Hello?", "inbound"],
  ]);
});

const REPLIES: readonly (readonly [string, string, string, readonly string[]])[] = [
  ["empty TwiML", "text/xml", "<Response/>", []],
  ["nothing", "text/plain", "", []],
  ["TwiML", "application/xml", "<Response><Message>A &amp; B</Message></Response>", [
    "twiml: A & B",
  ]],
  [
    "TwiML with a body",
    "text/xml",
    '<Response><Message to="x"><Body>A</Body></Message></Response>',
    [
      "twiml: A",
    ],
  ],
  ["plain text", "text/plain;charset=UTF-8", "OK", ["plain-text: OK"]],
];

for (const [what, type, body, expected] of REPLIES) {
  Deno.test(`an answer of ${what} makes the customer get ${expected.length} texts`, async () => {
    await using world = await start(() =>
      new Response(body, { headers: { "content-type": type } })
    );
    const { replies, alert } = await world.twilio.textIn({ from: TO, body: "Hi" });
    assert.deepEqual(replies.map(({ why, body }) => `${why}: ${body}`), expected);
    assert.deepEqual([...world.twilio.replies.items], replies);
    assert.equal(alert, null);
    for (const { to, from } of replies) assert.deepEqual([to, from], [TO, FROM]);
  });
}

Deno.test("an answer of another type is an alert", async () => {
  await using world = await start(() => Response.json({}));
  const { replies, alert } = await world.twilio.textIn({ from: TO, body: "Hi" });
  assert.deepEqual([replies, alert], [[], 12300]);
});

/** How often the request comes when each answer is so, by what the fragment asks for. */
const RETRIES: readonly (readonly [string, number, number])[] = [
  ["", 503, 1],
  ["#rc=2&rp=5xx", 503, 3],
  ["#rc=2&rp=ct,rt", 503, 1],
  ["#rc=5&rp=all", 404, 6],
  ["#rc=2&rp=5xx", 404, 1],
  ["#rc=9&rp=5xx", 503, 2],
  ["#rc=0&rp=all", 503, 1],
  ["#rc=2&rp=all", 301, 3],
];

for (const [query, status, expected] of RETRIES) {
  Deno.test(`with ${query || "no override"} an answer of ${status} makes ${expected} requests`, async () => {
    await using world = await start(() => new Response(null, { status }), { query });
    const { taken, alert } = await world.twilio.textIn({ from: TO, body: "Hi" });
    assert.equal(world.hooks.requests.items.length, expected);
    assert.deepEqual([taken, alert], [false, 11200]);
    const tokens = world.hooks.requests.items
      .map(({ headers }) => headers.get("i-twilio-idempotency-token"));
    assert.equal(new Set(tokens).size, 1);
    assert.match(tokens[0] ?? "", /^[0-9a-f]{32}$/);
    for (const request of world.hooks.requests.items) {
      assert.ok(isSigned(request, world.twilio.authToken, world.inboundUrl.replace(query, "")));
    }
  });
}

Deno.test("a repeated request that is answered well in the end is taken", async () => {
  let refused = 0;
  const answer = () => refused++ < 2 ? new Response(null, { status: 503 }) : EMPTY_TWIML();
  await using world = await start(answer, { query: "#rc=5&rp=5xx" });
  const { taken, call } = await world.twilio.textIn({ from: TO, body: "Hi" });
  assert.deepEqual([taken, call.attempts.length], [true, 3]);
});

Deno.test("without an override a connection that is refused is tried once more", async () => {
  const { url } = await closedServer();
  await using twilio = await startTwilio({ inboundUrl: url });
  const { call, taken } = await twilio.textIn({ from: TO, body: "Hi" });
  const failures = call.attempts.map((attempt) => attempt.kind === "failed" && attempt.failure);
  assert.deepEqual([failures, taken], [["ct", "ct"], false]);
});

async function closedServer(): Promise<{ url: string }> {
  await using hooks = startHookServer();
  return { url: hooks.url };
}

Deno.test("an answer that does not come in time is given up", async () => {
  const { promise: hang, resolve: release } = Promise.withResolvers<void>();
  await using world = await start(() => hang.then(EMPTY_TWIML), {
    query: "#ct=100&rt=100&rc=1&rp=rt",
  });
  const { call } = await world.twilio.textIn({ from: TO, body: "Hi" });
  const failures = call.attempts.map((attempt) => attempt.kind === "failed" && attempt.failure);
  release();
  assert.deepEqual(failures, ["rt", "rt"]);
});

Deno.test("what the inbound URL does not take goes to the fallback URL with the error", async () => {
  await using fallback = startHookServer(EMPTY_TWIML);
  await using world = await start(() => new Response(null, { status: 500 }), {
    fallbackUrl: `${fallback.url}/fallback`,
  });
  const { taken, call, messageSid } = await world.twilio.textIn({ from: TO, body: "Hi" });
  assert.deepEqual([taken, call.purpose], [true, "fallback"]);
  const { fields } = await fallback.requests.received(1);
  assert.deepEqual([fields["MessageSid"], fields["ErrorCode"], fields["ErrorUrl"]], [
    messageSid,
    "11200",
    world.inboundUrl,
  ]);
});

Deno.test("a text without anywhere to go is the tester's fault", async () => {
  await using twilio = await startTwilio();
  await assert.rejects(twilio.textIn({ from: TO, body: "Hi" }), /expected an inbound URL/);
});
