import assert from "node:assert/strict";
import { CUSTOMER, dataOf, OUR_NUMBER, startTexting } from "../../support/texting_world.ts";

// The rows OUT of the conformance list of the SMS bridge.

const SESSION = "0000Na9B26EF002X";

Deno.test("OUT-01 visibility: only what an agent says to all leaves", async () => {
  await using world = await startTexting();
  await world.accept(SESSION);
  const said = (members: Record<string, unknown>) => ({ text: "inside", ...members });
  await world.say(
    SESSION,
    1,
    said({ visibility: "Agents" }),
    said({ visibility: "Coach" }),
    said({ visibility: undefined }),
    said({ from: { type: "Customer", nickname: "P", participantId: "1" } }),
    said({ from: { type: "External", nickname: "P", participantId: "1" } }),
    said({ from: { type: "Agent", nickname: "P", participantId: "1", visibility: "Agents" } }),
    "outside",
  );
  await world.until("delivered");
  assert.deepEqual(world.bodies(), ["outside"]);
});

Deno.test("OUT-02 typing and notices never leave", async () => {
  await using world = await startTexting();
  await world.accept(SESSION);
  const types = ["TypingStarted", "TypingStopped", "Notice", "CustomNotice", "ParticipantJoined"];
  await world.say(SESSION, 1, ...types.map((type) => ({ type, text: type })), "Hello");
  await world.until("delivered");
  assert.deepEqual(world.bodies(), ["Hello"]);
});

Deno.test("OUT-03 PushUrl: an https address leaves as text, anything else stays", async () => {
  await using world = await startTexting();
  await world.accept(SESSION);
  const urls = [
    "http://shop.example/",
    "https://user:secret@shop.example/",
    "javascript:alert(1)",
    "https://shop.example/basket?id=7",
  ];
  await world.say(SESSION, 1, ...urls.map((url) => ({ type: "PushUrl", url })));
  await world.until("delivered");
  assert.deepEqual(world.bodies(), ["https://shop.example/basket?id=7"]);
});

Deno.test("OUT-04 index replay: what upstream tells again is not sent again", async () => {
  await using world = await startTexting();
  await world.accept(SESSION);
  await world.say(SESSION, 1, "One", "Two");
  await world.say(SESSION, 1, "One", "Two", "Three");
  await world.until("delivered", "delivered", "delivered");
  await world.accept(SESSION, CUSTOMER, "agent-2");
  await world.say(SESSION, 1, "One", "Two", "Three");
  assert.deepEqual(world.bodies(), ["One", "Two", "Three"]);
});

Deno.test("OUT-05 429 ten times: tried at 100 ms doubling, then along the ladder, then given up and told", async () => {
  await using world = await startTexting();
  await world.accept(SESSION);
  for (let tries = 0; tries < 10; tries++) world.twilio.faults.rateLimited();
  await world.say(SESSION, 1, "Hello");
  const waits: (number | null)[] = [];
  for (let tries = 0; tries < 9; tries++) {
    await world.until("retrying");
    const [delivery] = await world.deliveries();
    const waitMs = (delivery?.nextAttemptAtMs ?? 0) - world.clock.now();
    waits.push(waitMs);
    await world.passTime(waitMs);
  }
  await world.until("dead");
  assert.deepEqual(waits, [100, 200, 400, 800, 5_000, 30_000, 120_000, 600_000, 1_800_000]);
  assert.equal(world.twilio.requests.items.length, 10);
  assert.equal(world.bodies().length, 0);
  const [failed] = await world.events("sms.failed");
  assert.deepEqual(dataOf(failed), { messageIndex: 1, messageSid: null, errorCode: 20429 });
  assert.match(world.told[0]?.sentence ?? "", /^A text did not reach the customer\. Too many/);
});

Deno.test("OUT-05 429 four times: the fifth try takes it, once", async () => {
  await using world = await startTexting();
  await world.accept(SESSION);
  for (let tries = 0; tries < 4; tries++) world.twilio.faults.rateLimited();
  await world.say(SESSION, 1, "Hello");
  for (const waitMs of [100, 200, 400, 800]) {
    await world.until("retrying");
    await world.passTime(waitMs);
  }
  await world.until("delivered");
  assert.deepEqual(world.bodies(), ["Hello"]);
});

Deno.test("OUT-05 each part of a long text has tries of its own", async () => {
  let sends = 0;
  await using world = await startTexting({
    onSend() {
      // The first part is taken at its fourth try, the second as well.
      if (++sends % 4 !== 0) world.twilio.faults.rateLimited();
    },
  });
  await world.accept(SESSION);
  const text = "a".repeat(1530) + "b".repeat(100);
  await world.say(SESSION, 1, text);
  for (const waitMs of [100, 200, 400, 100, 200, 400]) {
    await world.until("retrying");
    await world.passTime(waitMs);
  }
  await world.until("delivered");
  assert.equal(sends, 8);
  assert.equal(world.bodies().join(""), text);
});

/** What makes the fate of a send uncertain. */
type Accident = "500" | "timeout" | "connection lost";

async function sayWithAccident(
  world: Awaited<ReturnType<typeof startTexting>>,
  accident: Accident,
  when: "before-acting" | "after-acting",
) {
  const { faults } = world.twilio;
  await world.accept(SESSION);
  if (accident === "500") faults.serverError({ when });
  else if (accident === "connection lost") faults.connectionReset({ when });
  else if (when === "after-acting") faults.timeoutAfterActing();
  else faults.timeoutBeforeActing();
  await world.say(SESSION, 1, "Hello");
  await world.until("retrying");
}

/** Another session's text, which shows that Twilio's list has come this far. */
async function sayMeanwhile(world: Awaited<ReturnType<typeof startTexting>>, session: string) {
  await world.accept(session, "+16502222222");
  await world.say(session, 1, `Meanwhile in ${session}`);
  await world.outbox.until(async () => (await world.statuses()).at(-1) === "delivered");
}

const ACCIDENTS: readonly (readonly [id: string, accident: Accident, sureAfterMs: number])[] = [
  ["OUT-06", "500", 7_000],
  ["OUT-07", "timeout", 37_000],
  ["OUT-07", "connection lost", 37_000],
];

for (const [id, accident, sureAfterMs] of ACCIDENTS) {
  const timeoutMs = accident === "timeout" ? 1_500 : 10_000;

  Deno.test(`${id} ${accident}, though Twilio took the text: found and not sent again`, async () => {
    await using world = await startTexting({ timeoutMs });
    await sayWithAccident(world, accident, "after-acting");
    await world.passTime(2_000);
    await world.until("delivered");
    assert.deepEqual(world.bodies(), ["Hello"]);
    const [sent] = await world.events("sms.sent");
    assert.deepEqual(dataOf(sent), {
      messageIndex: 1,
      messageSid: world.twilio.messages[0]?.sid,
      errorCode: null,
    });
  });

  Deno.test(`${id} ${accident}, and Twilio has not taken the text: sent once that is sure`, async () => {
    await using world = await startTexting({ timeoutMs });
    await sayWithAccident(world, accident, "before-acting");
    await world.passTime(2_000);
    await world.until("retrying");
    await world.passTime(2_000);
    await sayMeanwhile(world, "S2");
    for (const waitMs of sureAfterMs === 7_000 ? [3_000] : [3_000, 30_000]) {
      assert.ok(!world.bodies().includes("Hello"), "sent before it was sure");
      await world.passTime(waitMs);
    }
    await world.until("delivered", "delivered");
    assert.deepEqual(world.bodies(), ["Meanwhile in S2", "Hello"]);
  });

  Deno.test(`${id} ${accident} on a quiet account: an empty list proves nothing, so it ends unknown`, async () => {
    await using world = await startTexting({ timeoutMs });
    await sayWithAccident(world, accident, "before-acting");
    for (const waitMs of [2_000, 5_000, 30_000]) {
      assert.deepEqual(await world.statuses(), ["retrying"]);
      await world.passTime(waitMs);
    }
    await world.until("unknown");
    assert.deepEqual(world.bodies(), []);
    const { items } = await world.store.listDeliveries({ limit: 10, status: "unknown" });
    assert.equal(items.length, 1);
    assert.match(world.told[0]?.sentence ?? "", /^It is not known whether a text reached/);
    assert.deepEqual(await world.events("sms.failed"), []);
  });
}

Deno.test("OUT-06 a list that lags: the text is found as soon as it shows", async () => {
  await using world = await startTexting({ twilio: { listLagMs: 6_000 } });
  await sayWithAccident(world, "500", "after-acting");
  await world.passTime(2_000);
  await world.until("retrying");
  await world.passTime(5_000);
  await world.until("delivered");
  assert.deepEqual(world.bodies(), ["Hello"]);
});

Deno.test("OUT-06 a text in doubt holds its session back, and no other", async () => {
  await using world = await startTexting();
  await sayWithAccident(world, "500", "after-acting");
  await world.say(SESSION, 2, "Second");
  await sayMeanwhile(world, "S2");
  assert.deepEqual(world.bodies(), ["Hello", "Meanwhile in S2"]);
  await world.passTime(2_000);
  await world.until("delivered", "delivered", "delivered");
  assert.deepEqual(world.bodies(), ["Hello", "Meanwhile in S2", "Second"]);
});

Deno.test("OUT-06 the same words said twice: the one that left first is not taken for the other", async () => {
  await using world = await startTexting();
  await world.accept(SESSION);
  await world.say(SESSION, 1, "OK");
  await world.until("delivered");
  world.twilio.faults.serverError();
  await world.say(SESSION, 2, "OK");
  await world.until("delivered", "retrying");
  await world.passTime(2_000);
  await world.until("delivered", "retrying");
  await world.passTime(2_000);
  await sayMeanwhile(world, "S2");
  await world.passTime(3_000);
  await world.until("delivered", "delivered", "delivered");
  assert.deepEqual(world.bodies(), ["OK", "Meanwhile in S2", "OK"]);
  const sids = (await world.events("sms.sent")).map((event) => dataOf(event)["messageSid"]);
  assert.equal(new Set(sids).size, 3);
});

Deno.test("OUT-06 a text that Twilio may have altered makes nothing certain: not sent again", async () => {
  await using world = await startTexting();
  await sayWithAccident(world, "500", "before-acting");
  // Created behind Patchbay's back, with our number as sender.
  const { messages, accountSid, authToken, url } = world.twilio;
  const answer = await fetch(`${url}/2010-04-01/Accounts/${accountSid}/Messages.json`, {
    method: "POST",
    headers: { authorization: `Basic ${btoa(`${accountSid}:${authToken}`)}` },
    body: new URLSearchParams({ To: CUSTOMER, From: OUR_NUMBER, Body: "Sent from trial: Hello" }),
  });
  await answer.body?.cancel();
  assert.equal(messages.length, 1);
  await world.passTime(2_000);
  await world.until("retrying");
  await sayMeanwhile(world, "S2");
  await world.passTime(5_000);
  await world.passTime(30_000);
  await world.until("unknown", "delivered");
  assert.equal(messages.length, 2);
});

Deno.test("OUT-06 a list that cannot be read for a while is read later", async () => {
  await using world = await startTexting();
  await sayWithAccident(world, "500", "after-acting");
  const matching = ({ method }: { method: string }) => method === "GET";
  for (let tries = 0; tries < 2; tries++) {
    world.twilio.faults.next({ kind: "status", status: 503 }, { matching });
  }
  await world.passTime(2_000);
  await world.until("retrying");
  await world.passTime(5_000);
  await world.until("retrying");
  await world.passTime(30_000);
  await world.until("delivered");
  assert.deepEqual(world.bodies(), ["Hello"]);
});

for (const [status, looks] of [[404, 1], [503, 4]] as const) {
  Deno.test(`OUT-06 a list that answers ${status}: unknown after ${looks} looks`, async () => {
    await using world = await startTexting();
    await sayWithAccident(world, "500", "after-acting");
    const matching = ({ method }: { method: string }) => method === "GET";
    for (let tries = 0; tries < looks; tries++) {
      world.twilio.faults.next({ kind: "status", status }, { matching });
    }
    for (const waitMs of [2_000, 5_000, 30_000, 120_000].slice(0, looks)) {
      await world.until("retrying");
      await world.passTime(waitMs);
    }
    await world.until("unknown");
    assert.deepEqual(world.bodies(), ["Hello"]);
  });
}

Deno.test("OUT-06 Twilio's report on the text tells its SID before any list does", async () => {
  await using world = await startTexting({ twilio: { listLagMs: 3_600_000 } });
  await sayWithAccident(world, "500", "after-acting");
  const [delivery] = await world.deliveries();
  const sid = world.twilio.messages[0]?.sid ?? "";
  await world.store.writeRecord({
    kind: "sms-status",
    key: delivery?.id ?? "",
    near: SESSION,
    text: JSON.stringify({
      messages: { [sid]: { part: 1, status: "sent", errorCode: null } },
      told: [],
    }),
    untilMs: null,
    nowMs: world.clock.now(),
  });
  await world.passTime(2_000);
  await world.until("delivered");
  assert.deepEqual(world.bodies(), ["Hello"]);
  assert.equal(dataOf((await world.events("sms.sent"))[0])["messageSid"], sid);
});

Deno.test("OUT-06 sent anew at most twice after it was surely absent, then unknown", async () => {
  await using world = await startTexting();
  await sayWithAccident(world, "500", "before-acting");
  for (let round = 1; round <= 3; round++) {
    if (round < 3) world.twilio.faults.serverError();
    await world.passTime(2_000);
    world.twilio.faults.clear();
    await world.passTime(2_000);
    await sayMeanwhile(world, `M${round}`);
    if (round < 3) world.twilio.faults.serverError();
    await world.passTime(3_000);
  }
  await world.outbox.until(async () => (await world.statuses())[0] === "unknown");
  const creates = world.twilio.requests.items.filter(({ method, body }) =>
    method === "POST" && body.includes("Body=Hello")
  );
  assert.equal(creates.length, 3);
  assert.ok(!world.bodies().includes("Hello"));
});

Deno.test("OUT-08 21610 at create: told with its code, written into the ledger, and Twilio is not asked again", async () => {
  await using world = await startTexting();
  const customer = "+15005550004";
  await world.accept(SESSION, customer);
  await world.say(SESSION, 1, "Hello");
  await world.until("dead");
  assert.equal(dataOf((await world.events("sms.failed"))[0])["errorCode"], 21610);
  assert.equal((await world.events("customer.opted_out")).length, 1);
  assert.equal(await world.optOuts.isOptedOut(customer, { from: OUR_NUMBER }), true);

  await world.say(SESSION, 2, "Again");
  await world.until("dead", "dead");
  assert.equal(world.twilio.requests.items.length, 1);
  assert.equal(dataOf((await world.events("sms.failed"))[1])["errorCode"], 21610);
  assert.deepEqual(
    world.told.map(({ sentence }) => sentence),
    Array(2).fill(
      "A text did not reach the customer. The customer has asked to receive no more texts. " +
        "(Twilio error 21610)",
    ),
  );
});

Deno.test("OUT-09 1601 characters leave as two messages in order, each within Twilio's limit", async () => {
  await using world = await startTexting();
  await world.accept(SESSION);
  const text = "Lorem ipsum ".repeat(133) + "dolor";
  assert.equal(text.length, 1601);
  await world.say(SESSION, 1, text, "After");
  await world.until("delivered", "delivered");
  const bodies = world.bodies();
  assert.equal(bodies.length, 3);
  assert.equal(bodies.slice(0, 2).join(""), text);
  assert.ok(bodies.every((body) => body.length <= 1600));
  const [sent] = await world.events("sms.sent");
  const sids = world.twilio.messages.map(({ sid }) => sid);
  assert.deepEqual(dataOf(sent), {
    messageIndex: 1,
    messageSid: sids[0],
    errorCode: null,
    messageSids: sids.slice(0, 2),
  });
  const parts = world.twilio.messages.map(({ statusCallback }) =>
    new URL(statusCallback ?? "").searchParams
  ).map((query) => `${query.get("part")}/${query.get("parts")}`);
  assert.deepEqual(parts, ["1/2", "2/2", "1/1"]);
});

Deno.test("OUT-09 a part that is in doubt holds back the parts behind it, and those before stay", async () => {
  await using world = await startTexting();
  await world.accept(SESSION);
  const text = "a".repeat(1530) + "b".repeat(1530) + "c".repeat(10);
  let posts = 0;
  world.twilio.faults.next({ kind: "status", status: 500 }, {
    matching: ({ method }) => method === "POST" && ++posts === 2,
    when: "after-acting",
  });
  await world.say(SESSION, 1, text);
  await world.until("retrying");
  assert.deepEqual(world.bodies().map((body) => body[0]), ["a", "b"]);
  await world.passTime(2_000);
  await world.until("delivered");
  assert.equal(world.bodies().join(""), text);
});

Deno.test("OUT-09 a part that could outlast the lease is left to the next attempt", async () => {
  await using world = await startTexting({
    // Twilio takes its time: with 15 s for a request, a lease of 30 s has no room for another.
    onSend: () => world.clock.advance(11_000),
  });
  await world.accept(SESSION);
  await world.say(SESSION, 1, "a".repeat(1530) + "b".repeat(1530) + "c");
  await world.until("delivered");
  assert.deepEqual(world.bodies().map(({ length }) => length), [1530, 1530, 1]);
  assert.equal(world.log.of("sms.retrying").length, 2);
});

Deno.test("OUT-09 a text too long for ten messages is not sent at all, and the agent is told", async () => {
  await using world = await startTexting();
  await world.accept(SESSION);
  await world.say(SESSION, 1, "a".repeat(15_301), "After");
  await world.until("dead", "delivered");
  assert.deepEqual(world.bodies(), ["After"]);
  assert.deepEqual(world.told.map(({ sentence }) => sentence), [
    "A text did not reach the customer. The text is too long to be sent, even in parts.",
  ]);
});

Deno.test("OUT-10 emoji at the border: a grapheme is never cut", async () => {
  await using world = await startTexting();
  await world.accept(SESSION);
  const family = "👨‍👩‍👧‍👦";
  const text = "字".repeat(665) + family + "字".repeat(50);
  await world.say(SESSION, 1, text);
  await world.until("delivered");
  const bodies = world.bodies();
  assert.equal(bodies.join(""), text);
  assert.equal(bodies.length, 2);
  assert.ok(bodies.some((body) => body.includes(family)));
});

Deno.test("OUT-11 rate bucket: what a sender has no tokens for waits, without an attempt", async () => {
  await using world = await startTexting({
    sink: { rateLimit: { perSecond: 1, burst: 2 } },
  });
  const sessions = ["S1", "S2", "S3", "S4"];
  for (const session of sessions) await world.accept(session);
  // Three segments: one more than the bucket holds, so that it owes one.
  const long = "a".repeat(450);
  await world.say("S1", 1, long);
  await world.until("delivered");
  await world.say("S2", 1, long);
  await world.until("delivered", "retrying");
  const [, waiting] = await world.deliveries();
  assert.equal(waiting?.attempts, 0);
  assert.deepEqual(await world.attempts(1), []);
  await world.passTime(3_000);
  await world.until("delivered", "delivered");
  assert.equal(world.bodies().length, 2);
});

Deno.test("OUT-11 rate bucket: a short wait is waited out in place", async () => {
  await using world = await startTexting({ sink: { rateLimit: { perSecond: 2, burst: 2 } } });
  await world.accept(SESSION);
  await world.say(SESSION, 1, "One", "Two", "Three");
  await world.until("delivered", "delivered", "delivering");
  // The engine's own timer, and the text's.
  await world.clock.whenArmed(2);
  world.clock.advance(500);
  await world.until("delivered", "delivered", "delivered");
  assert.deepEqual(world.bodies(), ["One", "Two", "Three"]);
});

const VALIDITIES: readonly (readonly [ttlS: number, ageS: number, validityS: string | null])[] = [
  [86_400, 0, "14400"],
  [3_600, 0, "3600"],
  [3_600, 60, "3540"],
  [3_600, 3_594, "6"],
  [3_600, 3_595, null],
];

for (const [ttlS, ageS, validityS] of VALIDITIES) {
  const wanted = validityS === null ? "is not sent any more" : `may wait ${validityS} s at Twilio`;
  Deno.test(`OUT-12 validity: a text ${ageS} s old in a session of ${ttlS} s ${wanted}`, async () => {
    await using world = await startTexting({ sessionTtlMs: ttlS * 1_000 });
    await world.accept(SESSION);
    world.sendingSwitch.close(20003);
    if (ageS === 0) world.sendingSwitch.reopen();
    await world.say(SESSION, 1, "Hello");
    if (ageS > 0) {
      world.clock.advance(ageS * 1_000);
      world.sendingSwitch.reopen();
      world.engine.wake();
    }
    await world.until(validityS === null ? "dead" : "delivered");
    const [message] = world.twilio.messages;
    assert.equal(message?.form.get("ValidityPeriod") ?? null, validityS);
  });
}
