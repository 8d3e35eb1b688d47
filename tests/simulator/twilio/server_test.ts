/** The simulated Twilio's messages: what is taken, refused, listed and kept. */
import assert from "node:assert/strict";
import { createVirtualClock } from "../../support/virtual_clock.ts";
import { countSegments } from "../../../simulator/twilio/segments.ts";
import { startTwilio } from "../../../simulator/twilio/server.ts";
import { call, FROM, list, post, postGood, readMessage, readRefusal, TO } from "./client.ts";

Deno.test("a message is taken with 201 and the whole resource", async () => {
  await using twilio = await startTwilio({ clock: createVirtualClock() });
  const response = await post(twilio, { StatusCallback: "https://patchbay.example/status" });
  assert.equal(response.status, 201);
  const { sid, ...resource } = await readMessage(response);
  assert.match(sid, /^SM[0-9a-f]{32}$/);
  const uri = `/2010-04-01/Accounts/${twilio.accountSid}/Messages/${sid}`;
  assert.deepEqual(resource, {
    account_sid: twilio.accountSid,
    api_version: "2010-04-01",
    body: "Hi",
    date_created: "Sun, 22 Nov 2026 10:00:00 +0000",
    date_sent: null,
    date_updated: "Sun, 22 Nov 2026 10:00:00 +0000",
    direction: "outbound-api",
    error_code: null,
    error_message: null,
    from: FROM,
    messaging_service_sid: null,
    num_media: "0",
    num_segments: "1",
    price: null,
    price_unit: "USD",
    status: "queued",
    subresource_uris: { media: `${uri}/Media.json` },
    to: TO,
    uri: `${uri}.json`,
  });
  const kept = await twilio.received(1);
  assert.equal(kept.sid, sid);
  assert.equal(kept.statusCallback, "https://patchbay.example/status");
});

Deno.test("a Messaging Service accepts without a sender and without a count of segments", async () => {
  await using twilio = await startTwilio();
  const service = `MG${"0".repeat(32)}`;
  const sent = await postGood(twilio, { From: "", MessagingServiceSid: service });
  assert.deepEqual([sent.status, sent.from, sent.num_segments], ["accepted", null, "0"]);
  assert.equal(sent.messaging_service_sid, service);
});

interface Refusal {
  readonly what: string;
  readonly form: Readonly<Record<string, string>>;
  readonly code: number;
}

const magic = (field: "From" | "To", last: string, code: number): Refusal => ({
  what: `the magic number ${field} +1500555${last}`,
  form: { [field]: `+1500555${last}` },
  code,
});

const REFUSALS: readonly Refusal[] = [
  magic("From", "0001", 21212),
  magic("From", "0007", 21606),
  magic("From", "0008", 21611),
  magic("To", "0001", 21211),
  magic("To", "0002", 21612),
  magic("To", "0003", 21408),
  magic("To", "0004", 21610),
  magic("To", "0009", 21614),
  { what: "an empty body", form: { Body: "" }, code: 21602 },
  { what: "a body of 1601 characters", form: { Body: "x".repeat(1601) }, code: 21617 },
  { what: "no sender at all", form: { From: "" }, code: 21603 },
  { what: "no recipient", form: { To: "" }, code: 21604 },
  { what: "a recipient without a plus", form: { To: "12025550123" }, code: 21211 },
  { what: "a sender that is no number", form: { From: "+1-202" }, code: 21212 },
  {
    what: "a malformed MessagingServiceSid",
    form: { MessagingServiceSid: "MG1" },
    code: 21705,
  },
  { what: "a StatusCallback that is no URL", form: { StatusCallback: "status" }, code: 21609 },
];

for (const { what, form, code } of REFUSALS) {
  Deno.test(`${what} is refused with ${code}`, async () => {
    await using twilio = await startTwilio();
    const response = await post(twilio, form);
    assert.equal(response.status, 400);
    const { message, ...refusal } = await readRefusal(response);
    assert.notEqual(message, "");
    assert.deepEqual(refusal, {
      code,
      more_info: `https://www.twilio.com/docs/errors/${code}`,
      status: 400,
    });
    assert.equal(twilio.messages.length, 0);
  });
}

const GOOD_FORMS: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ["From the magic number that may send", { From: "+15005550006" }],
  ["To a magic-looking number without a meaning", { To: "+15005550005" }],
  ["of 1600 characters", { Body: "x".repeat(1600) }],
  ["From a short code", { From: "12345" }],
  ["From a name", { From: "Patchbay" }],
  ["with a picture and no text", { Body: "", MediaUrl: "https://example.com/a.png" }],
];

for (const [what, form] of GOOD_FORMS) {
  Deno.test(`a message ${what} is taken`, async () => {
    await using twilio = await startTwilio();
    await postGood(twilio, form);
    assert.equal(twilio.messages.length, 1);
  });
}

const CREDENTIALS: readonly (readonly [string, readonly [string, string] | null])[] = [
  ["none", null],
  ["a wrong token", ["AC00000000000000000000000000000000", "wrong"]],
  ["another account", ["AC11111111111111111111111111111111", "simulated-auth-token"]],
];

for (const [what, credentials] of CREDENTIALS) {
  Deno.test(`with credentials that are ${what} a message is refused with 401 and 20003`, async () => {
    await using twilio = await startTwilio();
    const response = await post(twilio, {}, { credentials });
    assert.equal(response.status, 401);
    assert.match(response.headers.get("www-authenticate") ?? "", /^Basic realm="Twilio API"/);
    assert.equal((await readRefusal(response)).code, 20003);
    assert.equal(twilio.messages.length, 0);
  });
}

Deno.test("a message is read by its SID, and an unknown one is 20404", async () => {
  await using twilio = await startTwilio();
  const sent = await postGood(twilio);
  const read = await call(twilio, "GET", `/Messages/${sent.sid}.json`);
  assert.deepEqual(await readMessage(read), sent);
  const unknown = await call(twilio, "GET", `/Messages/SM${"0".repeat(32)}.json`);
  assert.equal(unknown.status, 404);
  assert.equal((await readRefusal(unknown)).code, 20404);
});

Deno.test("messages are listed newest first, by recipient, sender and time", async () => {
  const clock = createVirtualClock();
  await using twilio = await startTwilio({ clock });
  const other = "+12025550199";
  for (const form of [{ Body: "a" }, { Body: "b", To: other }, { Body: "c", From: other }]) {
    await postGood(twilio, form);
    clock.advance(60_000);
  }
  const bodies = async (query: Record<string, string>) =>
    (await list(twilio, `?${new URLSearchParams(query)}`)).messages.map(({ body }) => body);
  assert.deepEqual(await bodies({}), ["c", "b", "a"]);
  assert.deepEqual(await bodies({ To: TO }), ["c", "a"]);
  assert.deepEqual(await bodies({ To: TO, From: FROM }), ["a"]);
  assert.deepEqual(await bodies({ "DateSent>": "2026-11-22T10:01:00Z" }), ["c", "b"]);
  assert.deepEqual(await bodies({ "DateSent<": "2026-11-22T10:01:00Z" }), ["b", "a"]);
  assert.deepEqual(await bodies({ DateSent: "2026-11-22" }), ["c", "b", "a"]);
  assert.deepEqual(await bodies({ DateSent: "2026-11-21" }), []);
});

Deno.test("a list comes in pages, and what arrives meanwhile moves none of them", async () => {
  await using twilio = await startTwilio();
  for (const body of ["a", "b", "c"]) await postGood(twilio, { Body: body });
  const first = await list(twilio, "?PageSize=2");
  assert.deepEqual(first.messages.map(({ body }) => body), ["c", "b"]);
  await postGood(twilio, { Body: "d" });
  const next = new URL(first.next_page_uri ?? "", twilio.url).search;
  const second = await list(twilio, next);
  assert.deepEqual(second.messages.map(({ body }) => body), ["a"]);
  assert.equal(second.page, 1);
  assert.equal(second.next_page_uri, null);
});

Deno.test("a date that is none is refused", async () => {
  await using twilio = await startTwilio();
  const response = await call(twilio, "GET", "/Messages.json?DateSent=soon");
  assert.equal(response.status, 400);
  assert.equal((await readRefusal(response)).code, 20001);
});

const SEGMENTS: readonly (readonly [string, string, number])[] = [
  ["160 GSM characters", "x".repeat(160), 1],
  ["161 GSM characters", "x".repeat(161), 2],
  ["306 GSM characters", "x".repeat(306), 2],
  ["307 GSM characters", "x".repeat(307), 3],
  ["80 euro signs, two septets each", "€".repeat(80), 1],
  ["81 euro signs", "€".repeat(81), 2],
  ["70 characters of UCS-2", "ж".repeat(70), 1],
  ["71 characters of UCS-2", "ж".repeat(71), 2],
  ["1600 GSM characters", "x".repeat(1600), 11],
  ["1600 characters of UCS-2", "ж".repeat(1600), 24],
];

for (const [what, text, expected] of SEGMENTS) {
  Deno.test(`${what} take ${expected} segments`, () => assert.equal(countSegments(text), expected));
}

Deno.test("429 has code 20429 and its Retry-After, and nothing is sent", async () => {
  await using twilio = await startTwilio();
  twilio.faults.rateLimited({ retryAfterS: 2 });
  const response = await post(twilio);
  assert.equal(response.status, 429);
  assert.equal(response.headers.get("retry-after"), "2");
  assert.equal((await readRefusal(response)).code, 20429);
  assert.equal(twilio.messages.length, 0);
});

for (const [when, sent] of [["before-acting", 0], ["after-acting", 1]] as const) {
  Deno.test(`500 ${when} leaves ${sent} message sent`, async () => {
    await using twilio = await startTwilio();
    twilio.faults.serverError({ when });
    const response = await post(twilio);
    assert.equal(response.status, 500);
    assert.equal((await readRefusal(response)).code, 20500);
    assert.equal(twilio.messages.length, sent);
  });

  Deno.test(`a connection reset ${when} leaves ${sent} message sent`, async () => {
    await using twilio = await startTwilio();
    twilio.faults.connectionReset({ when });
    await assert.rejects(post(twilio));
    assert.equal(twilio.messages.length, sent);
  });

  Deno.test(`a timeout ${when} leaves ${sent} message sent`, async () => {
    await using twilio = await startTwilio();
    const { reached, clientAborted } = when === "after-acting"
      ? twilio.faults.timeoutAfterActing()
      : twilio.faults.timeoutBeforeActing();
    const giveUp = new AbortController();
    const response = post(twilio, {}, { signal: giveUp.signal });
    await reached;
    assert.equal(twilio.messages.length, sent);
    // A look-up is not what the fault is for.
    assert.equal((await list(twilio)).messages.length, sent);
    giveUp.abort();
    await assert.rejects(response, { name: "AbortError" });
    await clientAborted;
  });
}

Deno.test("the twilio package sends, lists and understands a refusal", async () => {
  await using server = await startTwilio();
  const { default: createClient } = await import("twilio");
  // The package has no setting for the address; replacing its HTTP client is what its examples do.
  const httpClient = new createClient.RequestClient();
  const requestFromTwilio = httpClient.request.bind(httpClient);
  httpClient.request = (options) =>
    requestFromTwilio({
      ...options,
      uri: options.uri.replace("https://api.twilio.com", server.url),
    });
  const client = createClient(server.accountSid, server.authToken, { httpClient });
  const message = await client.messages.create({ from: FROM, to: TO, body: "Hi" });
  assert.equal(message.sid, server.messages[0]?.sid);
  assert.equal(message.dateCreated.getTime() <= Date.now(), true);
  const dateSentAfter = new Date(Date.now() - 60_000);
  const listed = await client.messages.list({ to: TO, dateSentAfter, limit: 5 });
  assert.deepEqual(listed.map(({ sid }) => sid), [message.sid]);
  await assert.rejects(
    client.messages.create({ from: FROM, to: "+15005550004", body: "Hi" }),
    { code: 21610, status: 400 },
  );
});

Deno.test("onCreate sees what a create would make and may answer in Twilio's place", async () => {
  const seen: string[] = [];
  await using twilio = await startTwilio({
    onCreate({ message, take }) {
      seen.push(message.body);
      if (message.body === "refused") return new Response("not now", { status: 503 });
      if (message.body !== "taken without a word") return null;
      take();
      return new Response(null, { status: 500 });
    },
  });
  const statuses: number[] = [];
  for (const body of ["refused", "taken without a word", "taken"]) {
    const response = await post(twilio, { Body: body });
    await response.body?.cancel();
    statuses.push(response.status);
  }
  assert.deepEqual(statuses, [503, 500, 201]);
  assert.deepEqual(seen, ["refused", "taken without a word", "taken"]);
  assert.deepEqual(twilio.messages.map(({ body }) => body), ["taken without a word", "taken"]);
});
