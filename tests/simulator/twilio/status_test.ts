/** How far messages get at the simulated Twilio, and the signed callbacks that tell it. */
import assert from "node:assert/strict";
import { seededRandom } from "../../../simulator/kit/seeded_random.ts";
import { createVirtualClock } from "../../support/virtual_clock.ts";
import { type HookRequest, isSigned, startHookServer } from "./hook_server.ts";
import type { WalkOptions } from "../../../simulator/twilio/status_walk.ts";
import { startTwilio, type TwilioOptions } from "../../../simulator/twilio/server.ts";
import { call, FROM, post, postGood, readMessage, TO } from "./client.ts";

const told = (requests: readonly HookRequest[]) =>
  requests.map(({ fields }) => fields["MessageStatus"] ?? "");

/** Creates messages with a walk, and gives what was told of them once all is over. */
async function play(
  walk: WalkOptions,
  form: Readonly<Record<string, string>> = {},
  options: TwilioOptions & { readonly messages?: number } = {},
) {
  await using hooks = startHookServer();
  await using twilio = await startTwilio({ walk, ...options });
  for (let i = 0; i < (options.messages ?? 1); i++) {
    await postGood(twilio, { StatusCallback: `${hooks.url}/status`, ...form });
  }
  await twilio.walks.idle();
  return {
    statuses: told(hooks.requests.items),
    requests: hooks.requests.items,
    message: twilio.messages[0],
  };
}

Deno.test("a message goes by sending and sent to delivered, and each step is told", async () => {
  const { statuses, message } = await play({});
  assert.deepEqual(statuses, ["sending", "sent", "delivered"]);
  assert.equal(message?.status, "delivered");
  assert.notEqual(message?.sentAtMs, null);
});

Deno.test("a status callback has Twilio's fields and is signed over the URL with its query", async () => {
  await using hooks = startHookServer();
  await using twilio = await startTwilio({ walk: {} });
  const url = `${hooks.url}/status?delivery=d%27l_1&part=1`;
  const { sid } = await postGood(twilio, { StatusCallback: url });
  const { fields, headers, target } = await hooks.requests.received(3);
  const { RawDlrDoneDate, ...rest } = fields;
  assert.match(RawDlrDoneDate ?? "", /^\d{10}$/);
  assert.deepEqual(rest, {
    AccountSid: twilio.accountSid,
    ApiVersion: "2010-04-01",
    From: FROM,
    MessageSid: sid,
    MessageStatus: "delivered",
    SmsSid: sid,
    SmsStatus: "delivered",
    To: TO,
  });
  assert.equal(target, "/status?delivery=d%27l_1&part=1");
  assert.match(headers.get("content-type") ?? "", /^application\/x-www-form-urlencoded/);
  for (const request of hooks.requests.items) {
    assert.ok(isSigned(request, twilio.authToken, url));
    assert.ok(!isSigned(request, "another token", url));
  }
});

Deno.test("a public origin is signed, and the one on this machine that serves it is called", async () => {
  await using hooks = startHookServer();
  await using twilio = await startTwilio({
    walk: {},
    reach: { "https://edge.example": hooks.url },
  });
  const url = "https://user:pass@edge.example/status?n=1";
  await postGood(twilio, { StatusCallback: url });
  const request = await hooks.requests.received(1);
  assert.ok(isSigned(request, twilio.authToken, url));
  assert.equal(request.headers.get("authorization"), `Basic ${btoa("user:pass")}`);
});

Deno.test("what is not on this machine is never called", async () => {
  await using twilio = await startTwilio({ walk: {} });
  await postGood(twilio, { StatusCallback: "https://edge.example/status" });
  await twilio.walks.idle();
  assert.deepEqual(twilio.hooks.items.map(({ attempts }) => attempts), [[], [], []]);
  assert.equal(twilio.messages[0]?.status, "delivered");
});

const ENDS: readonly (readonly [WalkOptions, readonly string[], string | undefined])[] = [
  [{ outcome: "sent" }, ["sending", "sent"], undefined],
  [{ outcome: "queued" }, [], undefined],
  [{ outcome: "undelivered" }, ["sending", "sent", "undelivered"], "30003"],
  [{ outcome: "undelivered", errorCode: 30007 }, ["sending", "sent", "undelivered"], "30007"],
  [{ outcome: "failed", errorCode: 30002 }, ["failed"], "30002"],
];

for (const [walk, expected, errorCode] of ENDS) {
  Deno.test(`a walk ${JSON.stringify(walk)} tells ${expected.join(", ") || "nothing"}`, async () => {
    const { statuses, requests, message } = await play(walk);
    assert.deepEqual(statuses, expected);
    assert.equal(requests.at(-1)?.fields["ErrorCode"], errorCode);
    assert.equal(message?.errorCode ?? undefined, errorCode && Number(errorCode));
  });
}

const MAGIC: readonly (readonly [string, readonly string[], string])[] = [
  ["+15005300050", ["failed"], "30005"],
  ["+15005300031", ["sending", "sent", "undelivered"], "30003"],
];

for (const [to, expected, errorCode] of MAGIC) {
  Deno.test(`a message to the magic number ${to} ends with ${errorCode}`, async () => {
    const { statuses, requests } = await play({}, { To: to });
    assert.deepEqual(statuses, expected);
    assert.equal(requests.at(-1)?.fields["ErrorCode"], errorCode);
  });
}

Deno.test("a Messaging Service queues first and tells the number that it picked", async () => {
  const service = `MG${"0".repeat(32)}`;
  const { statuses, requests } = await play({}, { From: "", MessagingServiceSid: service });
  assert.deepEqual(statuses, ["queued", "sending", "sent", "delivered"]);
  const { MessagingServiceSid, From } = requests[0]?.fields ?? {};
  assert.deepEqual([MessagingServiceSid, From], [service, FROM]);
});

Deno.test("shuffled callbacks come in other orders, the same ones for the same seed", async () => {
  const orders = async (seed: number) => {
    const random = seededRandom(seed);
    const { requests } = await play({ shuffled: true }, {}, { random, messages: 8 });
    // Callbacks of different messages come as they come.
    const bySid = Map.groupBy(requests, ({ fields }) => fields["MessageSid"]);
    const inOrder = [...bySid].toSorted(([a = ""], [b = ""]) => a < b ? -1 : 1);
    return inOrder.map(([, ofOne]) => told(ofOne).join()).join(" ");
  };
  const first = await orders(5);
  assert.equal(await orders(5), first);
  assert.notEqual(await orders(6), first);
  assert.notEqual(first, Array(8).fill("sending,sent,delivered").join(" "));
});

Deno.test("callbacks can be doubled and dropped", async () => {
  const twice = ["sending", "sending", "sent", "sent", "delivered", "delivered"];
  assert.deepEqual((await play({ doubled: 1 })).statuses, twice);
  const { statuses, message } = await play({ dropped: 1 });
  assert.deepEqual([statuses, message?.status], [[], "delivered"]);
});

Deno.test("statuses take their time, and a delayed callback comes after its own", async () => {
  const clock = createVirtualClock();
  await using hooks = startHookServer();
  await using twilio = await startTwilio({
    clock,
    walk: { stepMs: 1_000, delayed: 1, delayMs: 500 },
  });
  const { sid, status } = await postGood(twilio, { StatusCallback: hooks.url });
  assert.equal(status, "queued");
  const now = async () => (await readMessage(await call(twilio, "GET", `/Messages/${sid}.json`)));
  clock.advance(999);
  assert.equal((await now()).status, "queued");
  clock.advance(1);
  assert.equal((await now()).status, "sending");
  assert.equal(hooks.requests.items.length, 0);
  clock.advance(500);
  await hooks.requests.received(1);
  assert.deepEqual(told(hooks.requests.items), ["sending"]);
});

Deno.test("an early callback is answered before the create request is", async () => {
  const { promise: wait, resolve: release } = Promise.withResolvers<void>();
  await using hooks = startHookServer(() => wait.then(() => new Response(null)));
  await using twilio = await startTwilio({ walk: { early: true } });
  let created = false;
  const creation = post(twilio, { StatusCallback: hooks.url })
    .then(async (response) => (created = true, await readMessage(response)));
  await hooks.requests.received(1);
  const createdBefore = created;
  release();
  assert.equal(createdBefore, false);
  assert.equal((await creation).status, "queued");
});

Deno.test("one number or one message can have a walk of its own", async () => {
  await using hooks = startHookServer();
  await using twilio = await startTwilio({ walk: {} });
  twilio.walks.set({ outcome: "failed", errorCode: 30004 }, "+12025550188");
  twilio.walks.next({ outcome: "sent" });
  for (const To of ["+12025550188", TO, TO]) {
    await postGood(twilio, { To, StatusCallback: hooks.url });
  }
  await twilio.walks.idle();
  assert.deepEqual(twilio.messages.map(({ status }) => status), ["failed", "sent", "delivered"]);
});

Deno.test("any status can be told by hand, also one that is long past", async () => {
  await using hooks = startHookServer();
  await using twilio = await startTwilio();
  const { sid } = await postGood(twilio, { StatusCallback: hooks.url });
  await twilio.walks.tell(sid, "delivered");
  await twilio.walks.tell(sid, "failed", 21610);
  assert.deepEqual(told(hooks.requests.items), ["delivered", "failed"]);
  assert.equal(hooks.requests.items[1]?.fields["ErrorCode"], "21610");
  await assert.rejects(twilio.walks.tell("SM0", "sent"), /there is no such message/);
});
