import assert from "node:assert/strict";
import { StoreUnavailable } from "../../../services/errors.ts";
import { createFingerprints } from "../../../services/sealing/fingerprints.ts";
import { createLogger } from "../../../services/support/log.ts";
import { createPhoneNumbers } from "../../../services/sms/phone.ts";
import { createSmsSink, type SmsSinkOptions } from "../../../services/sms/sms_sink.ts";
import type { ClaimedDelivery } from "../../../services/store/port/deliveries.ts";
import { createSendingSwitch } from "../../../services/sms/sending_switch.ts";
import { createTwilio } from "../../../services/sms/twilio/twilio.ts";
import seed from "../../../simulator/contact_centre/samples/notification_3_new_messages.json" with {
  type: "json",
};
import { startScriptedTwilio, twilioError } from "../../support/scripted_twilio.ts";

const NOW_MS = Date.UTC(2026, 10, 22, 10);
const AUTH_TOKEN = "a-twilio-auth-token";
const running = new AbortController().signal;

const said = {
  index: 7,
  type: "Text",
  from: { type: "Agent", nickname: "Marat", participantId: "009052C5E743004C" },
  text: "Your parcel is here",
  visibility: "All",
  timestamp: "2026-11-22T09:59:59.000+0000",
};

function deliveryOf(messages: unknown, changes: Partial<ClaimedDelivery> = {}): ClaimedDelivery {
  return {
    id: "dlv_01_sms",
    sinkId: "sms",
    leaseToken: "lease",
    attempt: 1,
    interrupted: false,
    messageIndex: 7,
    customer: { phone: "16501111111", sender: null },
    progressJson: null,
    event: {
      id: "evt_01",
      type: "session.messages_added",
      sessionId: "0000Na9B26EF002X",
      sequence: 3,
      agentId: "agent-1",
      occurredAtMs: NOW_MS,
      dataJson: JSON.stringify({ notification: { notificationType: "NewMessages", messages } }),
    },
    ...changes,
  };
}

function createSink(twilioUrl: string, changes: Partial<SmsSinkOptions> = {}) {
  const logged: string[] = [];
  const log = createLogger({
    level: "debug",
    format: "json",
    now: () => NOW_MS,
    write: (line) => logged.push(line),
  });
  const clock = { now: () => NOW_MS, after: () => assert.fail("a sink sets no timers") };
  const noted: string[] = [];
  const told: string[] = [];
  const sink = createSmsSink({
    numbers: createPhoneNumbers({ defaultCountry: null }),
    fingerprints: createFingerprints([new Uint8Array(32)]),
    provider: createTwilio({
      accountSid: `AC${"0".repeat(32)}`,
      authToken: AUTH_TOKEN,
      authTokenNext: null,
      sender: { from: "+16503333333" },
      apiUrl: new URL(twilioUrl),
      publicUrl: { url: new URL("https://patchbay.example"), typed: "https://patchbay.example" },
      timeoutMs: 10_000,
      fetch,
      clock,
      log,
    }),
    store: {
      noteProgress: ({ progressJson }) => Promise.resolve(noted.push(progressJson) > 0),
      takeTokens: () => Promise.resolve(0),
      listEvents: () => Promise.resolve({ items: [], nextCursor: null }),
      readRecord: () => Promise.resolve(null),
    },
    optOuts: { isOptedOut: () => Promise.resolve(false), noteRefusal: () => Promise.resolve() },
    sendingSwitch: createSendingSwitch({ clock, log }),
    rateLimit: { perSecond: 20, burst: 40 },
    media: false,
    tellAgent: (_sessionId, sentence) => void told.push(sentence),
    retryWaitsMs: [5_000, 30_000],
    sessionTtlMs: 86_400_000,
    timeoutMs: 15_000,
    leaseMs: 30_000,
    clock,
    random: () => 0.5,
    log,
    ...changes,
  });
  return { sink, logged, noted, told };
}

Deno.test("attempt() texts the agent's words to the customer and publishes sms.sent", async () => {
  await using twilio = await startScriptedTwilio();
  const { sink } = createSink(twilio.url);
  const end = await sink.attempt(deliveryOf([said]), running);
  const [text, ...more] = twilio.texts.items;
  assert.equal(more.length, 0);
  assert.deepEqual(end, {
    report: {
      class: "ok",
      startedAt: "2026-11-22T10:00:00.000Z",
      durationMs: 0,
      detail: "Twilio took it",
      messageSid: text?.sid,
    },
    decision: { status: "delivered" },
    health: null,
    events: [{
      type: "sms.sent",
      sessionId: "0000Na9B26EF002X",
      data: { messageIndex: 7, messageSid: text?.sid, errorCode: null },
    }],
  });
  assert.deepEqual([text?.to, text?.from, text?.body], [
    "+16501111111",
    "+16503333333",
    "Your parcel is here",
  ]);
});

Deno.test("attempt() sends the message that the delivery is for, of several", async () => {
  await using twilio = await startScriptedTwilio();
  const { sink } = createSink(twilio.url);
  const url = { ...said, index: 9, type: "PushUrl", url: "https://example.com/parcel" };
  const messages = [...seed.messages, said, url];
  await sink.attempt(deliveryOf(messages, { messageIndex: 9 }), running);
  assert.deepEqual(twilio.texts.items.map(({ body }) => body), ["https://example.com/parcel"]);
});

const SENDERS: readonly (readonly [why: string, sender: string | null, from: string])[] = [
  ["the number that the customer texted", "16502222222", "+16502222222"],
  ["a short code that the customer texted", "12345", "12345"],
  ["the configured one when it is no number", "ours", "+16503333333"],
  ["the configured one when none is known", null, "+16503333333"],
];

for (const [why, sender, from] of SENDERS) {
  Deno.test(`attempt() sends from ${why}`, async () => {
    await using twilio = await startScriptedTwilio();
    const { sink } = createSink(twilio.url);
    const customer = { phone: "+16501111111", sender };
    await sink.attempt(deliveryOf([said], { customer }), running);
    assert.deepEqual(twilio.texts.items.map(({ from }) => from), [from]);
  });
}

Deno.test("attempt() publishes sms.failed with Twilio's code when it refuses", async () => {
  await using twilio = await startScriptedTwilio(() => twilioError(400, 21610));
  const { sink } = createSink(twilio.url);
  const end = await sink.attempt(deliveryOf([said]), running);
  assert.deepEqual(end.decision, { status: "dead" });
  assert.equal(end.report.class, "rejected");
  assert.deepEqual([end.report.status, end.report.errorCode], [400, 21610]);
  assert.deepEqual(end.events, [{
    type: "sms.failed",
    sessionId: "0000Na9B26EF002X",
    data: { messageIndex: 7, messageSid: null, errorCode: 21610 },
  }]);
});

const FIRST_PART_TAKEN = {
  parts: [
    { length: 4, fate: { kind: "taken", sid: `SM${"1".repeat(32)}` } },
    { length: said.text.length - 4, fate: { kind: "waiting" } },
  ],
  to: "…1111",
  sender: "…3333",
  tries: { limited: 0, unreached: 0, numberless: 0 },
};

const TOLD: readonly (readonly [
  what: string,
  read: () => Promise<string | null>,
  events: string[],
])[] = [
  ["nothing", () => Promise.resolve(null), ["sms.failed"]],
  ["no failure", () => Promise.resolve('{"messages":{},"told":[]}'), ["sms.failed"]],
  ["the failure", () => Promise.resolve('{"messages":{},"told":["failed"]}'), []],
  ["nobody knows what", () => Promise.reject(new StoreUnavailable("read")), ["sms.failed"]],
];

for (const [what, readRecord, types] of TOLD) {
  Deno.test(`attempt() of a text with a part that is refused, of whose others reports have told ${what}, publishes ${types.length} events`, async () => {
    await using twilio = await startScriptedTwilio(() => twilioError(400, 21610));
    const asked: unknown[] = [];
    const { sink } = createSink(twilio.url, {
      store: {
        noteProgress: () => Promise.resolve(true),
        takeTokens: () => Promise.resolve(0),
        listEvents: () => Promise.resolve({ items: [], nextCursor: null }),
        readRecord: (name) => {
          asked.push(name);
          return readRecord();
        },
      },
    });
    const progressJson = JSON.stringify(FIRST_PART_TAKEN);
    const end = await sink.attempt(deliveryOf([said], { progressJson }), running);
    assert.deepEqual(end.decision, { status: "dead" });
    assert.deepEqual(end.events.map(({ type }) => type), types);
    assert.deepEqual(asked, [{ kind: "sms-status", key: "dlv_01_sms", near: "0000Na9B26EF002X" }]);
  });
}

Deno.test("attempt() waits for the customer's number, then fails without one", async () => {
  await using twilio = await startScriptedTwilio();
  const { sink, noted } = createSink(twilio.url);
  const waits: unknown[] = [];
  let end = await sink.attempt(deliveryOf([said], { customer: null }), running);
  for (let attempt = 2; end.decision.status === "retrying"; attempt++) {
    waits.push(end.decision.atMs - NOW_MS);
    assert.deepEqual(end.events, []);
    const progressJson = noted.at(-1) ?? null;
    end = await sink.attempt(
      deliveryOf([said], { customer: null, attempt, progressJson }),
      running,
    );
  }
  assert.deepEqual(waits, [5_000, 30_000, 120_000]);
  assert.equal(end.report.class, "no-customer-number");
  assert.deepEqual(end.decision, { status: "dead" });
  assert.deepEqual(end.events.map(({ type, data }) => [type, data["errorCode"]]), [
    ["sms.failed", null],
  ]);
  assert.equal(twilio.requests.items.length, 0);
});

Deno.test("attempt() takes a number that cannot be one for no number", async () => {
  await using twilio = await startScriptedTwilio();
  const { sink } = createSink(twilio.url);
  const customer = { phone: "1234567", sender: null };
  const end = await sink.attempt(deliveryOf([said], { customer }), running);
  assert.equal(end.report.class, "no-customer-number");
  assert.equal(twilio.requests.items.length, 0);
});

Deno.test("attempt() looks a text up that an earlier attempt may have sent, and sends nothing", async () => {
  await using twilio = await startScriptedTwilio();
  twilio.faults.next({ kind: "status", status: 404, body: { status: 404, code: 20404 } });
  const begun = {
    kind: "begun",
    firstAtMs: NOW_MS - 30_000,
    atMs: NOW_MS - 30_000,
    endedAtMs: null,
    answered: false,
    calls: 1,
    lookUps: 0,
  };
  const progressJson = JSON.stringify({
    parts: [{ length: said.text.length, fate: begun }],
    to: "…1111",
    sender: "…3333",
    tries: { limited: 0, unreached: 0, numberless: 0 },
  });
  const { sink } = createSink(twilio.url);
  const delivery = deliveryOf([said], { attempt: 2, interrupted: true, progressJson });
  const end = await sink.attempt(delivery, running);
  // A list that is refused will not be had later either.
  assert.deepEqual(end.decision, { status: "unknown" });
  assert.deepEqual(end.events, []);
  assert.deepEqual(twilio.requests.items.map(({ method }) => method), ["GET"]);
});

Deno.test("attempt() sends what an earlier attempt had not begun to send when it was cut off", async () => {
  await using twilio = await startScriptedTwilio();
  const { sink } = createSink(twilio.url);
  const end = await sink.attempt(deliveryOf([said], { attempt: 2, interrupted: true }), running);
  assert.deepEqual(end.decision, { status: "delivered" });
  assert.equal(twilio.requests.items.length, 1);
});

Deno.test("attempt() looks up after HTTP 500 before it calls the fate unknown, and publishes nothing", async () => {
  await using twilio = await startScriptedTwilio(() => twilioError(500, 20500));
  const { sink } = createSink(twilio.url);
  const end = await sink.attempt(deliveryOf([said]), running);
  assert.deepEqual([end.report.class, end.report.status], ["ambiguous", 500]);
  assert.deepEqual(end.decision, { status: "retrying", atMs: NOW_MS + 2_000 });
  assert.deepEqual(end.events, []);
});

Deno.test("attempt() writes down what it is about to do before it does it, and the SID afterwards", async () => {
  const steps: string[] = [];
  await using twilio = await startScriptedTwilio(() => {
    steps.push("create");
    return null;
  });
  const { sink } = createSink(twilio.url, {
    store: {
      noteProgress: ({ progressJson, leaseToken }) => {
        assert.equal(leaseToken, "lease");
        steps.push(JSON.parse(progressJson).parts[0].fate.kind);
        return Promise.resolve(true);
      },
      takeTokens: () => Promise.resolve(0),
      listEvents: () => assert.fail("nothing is in doubt"),
      readRecord: () => assert.fail("nothing is in doubt"),
    },
  });
  await sink.attempt(deliveryOf([said]), running);
  assert.deepEqual(steps, ["begun", "create", "taken"]);
});

Deno.test("attempt() sends nothing once its delivery has passed to another instance", async () => {
  await using twilio = await startScriptedTwilio();
  const { sink, told } = createSink(twilio.url, {
    store: {
      noteProgress: () => Promise.resolve(false),
      takeTokens: () => Promise.resolve(0),
      listEvents: () => Promise.resolve({ items: [], nextCursor: null }),
      readRecord: () => Promise.resolve(null),
    },
  });
  const end = await sink.attempt(deliveryOf([said]), running);
  assert.equal(end.decision.status, "retrying");
  assert.deepEqual([end.events, told, twilio.requests.items.length], [[], [], 0]);
});

Deno.test("attempt() sends nothing while the store cannot write its intent down", async () => {
  await using twilio = await startScriptedTwilio();
  const { sink } = createSink(twilio.url, {
    store: {
      noteProgress: () => Promise.reject(new StoreUnavailable("note the progress")),
      takeTokens: () => Promise.resolve(0),
      listEvents: () => Promise.resolve({ items: [], nextCursor: null }),
      readRecord: () => Promise.resolve(null),
    },
  });
  const end = await sink.attempt(deliveryOf([said]), running);
  const decision = { status: "retrying", atMs: NOW_MS + 1_000, counted: false };
  assert.deepEqual(end.decision, decision);
  assert.equal(twilio.requests.items.length, 0);
});

Deno.test("attempt() settles with the SID even if the store is away just after the send", async () => {
  await using twilio = await startScriptedTwilio();
  let notes = 0;
  const { sink } = createSink(twilio.url, {
    store: {
      noteProgress: () =>
        ++notes === 1
          ? Promise.resolve(true)
          : Promise.reject(new StoreUnavailable("note the progress")),
      takeTokens: () => Promise.resolve(0),
      listEvents: () => Promise.resolve({ items: [], nextCursor: null }),
      readRecord: () => Promise.resolve(null),
    },
  });
  const end = await sink.attempt(deliveryOf([said]), running);
  assert.deepEqual([end.decision, end.report.messageSid], [
    { status: "delivered" },
    twilio.texts.items[0]?.sid,
  ]);
});

Deno.test("attempt() tries again soon after a rate limit", async () => {
  await using twilio = await startScriptedTwilio(() => twilioError(429, 20429));
  const { sink } = createSink(twilio.url);
  const end = await sink.attempt(deliveryOf([said]), running);
  assert.equal(end.report.class, "rate-limited");
  assert.deepEqual(end.decision, { status: "retrying", atMs: NOW_MS + 100 });
  assert.deepEqual(end.events, []);
});

Deno.test("attempt() reports shutdown and leaves the text for later when the program is stopping", async () => {
  await using twilio = await startScriptedTwilio();
  const { sink } = createSink(twilio.url);
  const end = await sink.attempt(deliveryOf([said]), AbortSignal.abort());
  assert.equal(end.report.class, "shutdown");
  assert.deepEqual(end.decision, { status: "retrying", atMs: NOW_MS });
  assert.equal(twilio.requests.items.length, 0);
});

Deno.test("attempt() reports shutdown when a send was under way, and leaves the look-up to the next", async () => {
  const stop = new AbortController();
  const answer = Promise.withResolvers<null>();
  await using twilio = await startScriptedTwilio(() => {
    stop.abort();
    return answer.promise;
  });
  const { sink, noted } = createSink(twilio.url);
  const end = await sink.attempt(deliveryOf([said]), stop.signal);
  answer.resolve(null);
  assert.equal(end.report.class, "shutdown");
  assert.deepEqual(end.decision, { status: "retrying", atMs: NOW_MS });
  assert.deepEqual(end.events, []);
  const { kind, endedAtMs } = JSON.parse(noted.at(-1) ?? "").parts[0].fate;
  assert.deepEqual([kind, endedAtMs], ["begun", NOW_MS]);
});

const NOTHING_TO_SEND: readonly (readonly [why: string, delivery: ClaimedDelivery])[] = [
  ["its message is not there", deliveryOf(seed.messages)],
  ["its message is a note to agents", deliveryOf([{ ...said, visibility: "Agents" }])],
  ["its message is the customer's", deliveryOf(seed.messages, { messageIndex: 5 })],
  ["the texts were expunged", deliveryOf(null)],
  ["it names no message", deliveryOf([said], { messageIndex: null })],
];

for (const [why, delivery] of NOTHING_TO_SEND) {
  Deno.test(`attempt() sends nothing and ends the delivery when ${why}`, async () => {
    await using twilio = await startScriptedTwilio();
    const { sink } = createSink(twilio.url);
    const end = await sink.attempt(delivery, running);
    assert.deepEqual(end.decision, { status: "dead" });
    assert.deepEqual(end.events.map(({ type }) => type), ["sms.failed"]);
    assert.equal(twilio.requests.items.length, 0);
  });
}

Deno.test("attempt() logs our own faults as errors, the recipient's as warnings", async () => {
  for (const [code, level] of [[20003, "error"], [21614, "warn"]] as const) {
    await using twilio = await startScriptedTwilio(() => twilioError(400, code));
    const { sink, logged } = createSink(twilio.url);
    await sink.attempt(deliveryOf([said]), running);
    const line: unknown = JSON.parse(logged.at(-1) ?? "");
    assert.partialDeepStrictEqual(line, { level, event: "sms.failed", errorCode: code });
  }
});

Deno.test("attempt() keeps numbers, texts and the token out of the log and the report", async () => {
  const kept: string[] = [];
  for (const answer of [undefined, () => twilioError(400, 21211), () => twilioError(500, 20500)]) {
    await using twilio = await startScriptedTwilio(answer);
    const { sink, logged, noted, told } = createSink(twilio.url);
    const end = await sink.attempt(deliveryOf([said]), running);
    kept.push(...logged, ...noted, ...told, JSON.stringify(end));
  }
  const all = kept.join("\n");
  assert.ok(all.includes("…1111"));
  for (const secret of ["650111", "650333", said.text, AUTH_TOKEN]) {
    assert.ok(!all.includes(secret), `the log or the report holds ${secret}`);
  }
});
