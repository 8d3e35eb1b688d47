import assert from "node:assert/strict";
import { StoreUnavailable } from "../../../services/errors.ts";
import { createSmsSink } from "../../../services/sms/sms_sink.ts";
import { claimDeliveries } from "../../support/drafts.ts";
import {
  CUSTOMER,
  dataOf,
  startTexting,
  type TextingOptions,
} from "../../support/texting_world.ts";

const SESSION = "0000Na9B26EF002X";
const LONG = "a".repeat(1530) + "b".repeat(1530) + "c".repeat(10);

/** Dies at one point of the first attempt: what was in memory is gone, the lease runs out, another attempt follows. */
function dieOnce(isHere: (text: string) => boolean) {
  let isDead = false;
  return (text = "") => {
    if (isDead || !isHere(text)) return;
    isDead = true;
    throw new Error("killed on purpose");
  };
}

function kindsIn(progressJson: string): string {
  const { parts }: { parts: { fate: { kind: string } }[] } = JSON.parse(progressJson);
  return parts.map(({ fate }) => fate.kind).join();
}

interface Death {
  readonly point: string;
  readonly text: string;
  readonly options: TextingOptions;
}

const at = (kinds: string) => ({ onNote: dieOnce((json) => kindsIn(json) === kinds) });

const DEATHS: readonly Death[] = [
  {
    point: "before the intent is written",
    text: "Hello",
    options: at("begun"),
  },
  {
    point: "before the SID is written",
    text: "Hello",
    options: at("taken"),
  },
  {
    point: "before the SID of the second part is written",
    text: LONG,
    options: at("taken,taken,waiting"),
  },
  {
    point: "between the parts",
    text: LONG,
    options: at("taken,begun,waiting"),
  },
];

for (const { point, text, options } of DEATHS) {
  Deno.test(`a process killed ${point} doubles nothing and loses nothing`, async () => {
    await using world = await startTexting(options);
    await world.accept(SESSION);
    await world.say(SESSION, 1, text);
    await world.log.whenLogged("delivery.attempt_failed");
    await world.passTime(30_000);
    await world.until("delivered");
    assert.equal(world.bodies().join(""), text);
    const sids = world.twilio.messages.map(({ sid }) => sid);
    const [sent] = await world.events("sms.sent");
    assert.equal(dataOf(sent)["messageSid"], sids[0]);
  });
}

for (const how of ["killed", "without its store"] as const) {
  Deno.test(`a process ${how} between the ledger and customer.opted_out tells of it with the next attempt`, async () => {
    let isOver = false;
    await using world = await startTexting({
      publish: (request, publish) => {
        if (isOver || request.drafts[0]?.type !== "customer.opted_out") return publish(request);
        isOver = true;
        throw how === "killed" ? new Error("killed on purpose") : new StoreUnavailable("publish");
      },
    });
    await world.accept(SESSION, "+15005550004");
    await world.say(SESSION, 1, "Hello");
    if (how === "killed") await world.log.whenLogged("delivery.attempt_failed");
    else await world.until("retrying");
    await world.passTime(how === "killed" ? 30_000 : 1_000);
    await world.until("dead");
    assert.equal((await world.events("customer.opted_out")).length, 1);
    assert.equal((await world.events("sms.failed")).length, 1);
    assert.equal(world.twilio.requests.items.length, 1);
  });
}

Deno.test("a process killed between the intent and the call: looked up, then sent once that is sure", async () => {
  let isDead = false;
  await using world = await startTexting({
    onSend() {
      if (isDead) return;
      isDead = true;
      throw new Error("killed on purpose");
    },
  });
  await world.accept(SESSION);
  await world.say(SESSION, 1, "Hello");
  await world.log.whenLogged("delivery.attempt_failed");
  await world.accept("S2", "+16502222222");
  await world.passTime(30_000);
  await world.until("retrying");
  assert.deepEqual(world.bodies(), []);
  await world.say("S2", 1, "Meanwhile");
  await world.until("retrying", "delivered");
  await world.passTime(5_000);
  await world.passTime(30_000);
  await world.until("delivered", "delivered");
  assert.deepEqual(world.bodies(), ["Meanwhile", "Hello"]);
});

Deno.test("a machine that sleeps between the intent and the call does not make the call when it wakes", async () => {
  let hasSlept = false;
  let begunAtMs = 0;
  await using world = await startTexting({
    onNote(json) {
      if (kindsIn(json) !== "begun") return;
      begunAtMs = world.clock.now();
      if (!hasSlept) world.clock.advance(60_000);
      hasSlept = true;
    },
    onSend() {
      // By then somebody else may have found the text absent, and sent it.
      assert.ok(world.clock.now() - begunAtMs < 30_000);
    },
  });
  await world.accept(SESSION);
  await world.say(SESSION, 1, "Hello");
  await world.until("delivered");
  assert.deepEqual(world.bodies(), ["Hello"]);
});

Deno.test("a process killed after the SID is written: the next attempt only tells of it", async () => {
  await using world = await startTexting();
  await world.accept(SESSION);
  // The settlement never comes: only the progress is there.
  world.outbox.failure = new Error("the process is gone");
  await world.say(SESSION, 1, "Hello");
  await world.log.whenLogged("delivery.store_unavailable");
  world.outbox.failure = null;
  await world.passTime(60_000);
  await world.until("delivered");
  assert.deepEqual(world.bodies(), ["Hello"]);
  assert.equal((await world.events("sms.sent")).length, 1);
});

Deno.test("an operator's send-again is not taken for a crash, nor a crash for it", async () => {
  await using world = await startTexting({ onNote: dieOnce((json) => kindsIn(json) === "begun") });
  await world.accept(SESSION);
  await world.say(SESSION, 1, "Hello");
  await world.log.whenLogged("delivery.attempt_failed");
  const [delivery] = await world.deliveries();
  world.twilio.faults.serverError();
  await world.passTime(30_000);
  for (const waitMs of [2_000, 5_000, 30_000]) {
    await world.until("retrying");
    await world.passTime(waitMs);
  }
  await world.until("unknown");
  assert.equal(await world.resolve(delivery?.id ?? "", "send-again", "operator"), "resolved");
  world.engine.wake();
  await world.until("delivered");
  assert.deepEqual(world.bodies(), ["Hello"]);
});

Deno.test("a process killed after it has given a text up, before that is settled: unknown, and not sent again", async () => {
  const die = dieOnce(() => true);
  await using world = await startTexting({ sink: { tellAgent: () => die() } });
  await world.accept(SESSION);
  world.twilio.faults.serverError();
  await world.say(SESSION, 1, "Hello");
  for (const waitMs of [2_000, 5_000]) {
    await world.until("retrying");
    await world.passTime(waitMs);
  }
  await world.until("retrying");
  world.clock.advance(30_000);
  world.engine.wake();
  await world.log.whenLogged("delivery.attempt_failed");
  await world.passTime(30_000);
  await world.until("unknown");
  assert.deepEqual(world.bodies(), []);
});

Deno.test("a text in doubt whose customer has another number by now is unknown, and never sent there", async () => {
  await using world = await startTexting();
  await world.accept(SESSION);
  world.twilio.faults.serverError();
  await world.say(SESSION, 1, "Hello");
  await world.until("retrying");
  const customer = { phone: "+16502229999", sender: null };
  await world.store.setCustomer({ sessionId: SESSION, customer, nowMs: world.clock.now() });
  await world.passTime(2_000);
  await world.until("unknown");
  assert.deepEqual(world.bodies(), []);
  const [delivery] = await world.deliveries();
  await world.resolve(delivery?.id ?? "", "send-again", "operator");
  world.engine.wake();
  await world.until("unknown");
  await world.store.setCustomer({
    sessionId: SESSION,
    customer: { phone: CUSTOMER.slice(1), sender: null },
    nowMs: world.clock.now(),
  });
  await world.resolve(delivery?.id ?? "", "send-again", "operator");
  world.engine.wake();
  await world.until("delivered");
  assert.deepEqual(world.twilio.messages.map(({ to }) => to), [CUSTOMER]);
});

Deno.test("progress without a pin, of a version before, binds the text to the number's last digits", async () => {
  for (const [phone, status] of [[CUSTOMER, "delivered"], ["+16502229999", "dead"]] as const) {
    await using world = await startTexting();
    await world.accept(SESSION, phone);
    await world.engine.stop(0);
    await world.say(SESSION, 1, "a".repeat(1530) + "b");
    const [claimed] = (await claimDeliveries(world.store, world.clock.now())).deliveries;
    assert(claimed);
    const progressJson = JSON.stringify({
      parts: [
        { length: 1530, fate: { kind: "taken", sid: `SM${"1".repeat(32)}` } },
        { length: 1, fate: { kind: "waiting" } },
      ],
      to: `…${CUSTOMER.slice(-4)}`,
      sender: "…0006",
      tries: { limited: 1, unreached: 0, numberless: 0 },
    });
    const sink = createSmsSink(world.sinkOptions);
    const end = await sink.attempt(
      { ...claimed, attempt: 2, progressJson },
      new AbortController().signal,
    );
    assert.equal(end.decision.status, status);
    assert.deepEqual(world.bodies(), status === "dead" ? [] : ["b"]);
  }
});

Deno.test("a text in doubt whose session was expunged is unknown", async () => {
  await using world = await startTexting();
  await world.accept(SESSION);
  world.twilio.faults.serverError({ when: "after-acting" });
  await world.say(SESSION, 1, "Hello");
  await world.until("retrying");
  await world.store.expungeSession(SESSION);
  await world.passTime(2_000);
  await world.until("unknown");
  assert.deepEqual(world.bodies(), ["Hello"]);
});

Deno.test("progress that cannot be read proves nothing: the text is unknown, not sent again", async () => {
  await using world = await startTexting({
    onNote: dieOnce((json) => kindsIn(json) === "taken"),
  });
  await world.accept(SESSION);
  await world.say(SESSION, 1, "Hello");
  await world.log.whenLogged("delivery.attempt_failed");
  await world.engine.stop(0);
  world.clock.advance(30_000);
  const [claimed] = (await claimDeliveries(world.store, world.clock.now())).deliveries;
  assert(claimed);
  const sink = createSmsSink(world.sinkOptions);
  for (const progressJson of ["{", "{}", '{"parts":[{"fate":{"kind":"odd"}}]}']) {
    const end = await sink.attempt({ ...claimed, progressJson }, new AbortController().signal);
    assert.equal(end.decision.status, "unknown");
  }
  assert.deepEqual(world.bodies(), ["Hello"]);
});

Deno.test("a look-up that the drain breaks off has learnt nothing, and does not count", async () => {
  await using world = await startTexting();
  await world.accept(SESSION);
  world.twilio.faults.serverError();
  await world.say(SESSION, 1, "Hello");
  await world.until("retrying");
  await world.engine.stop(0);
  world.clock.advance(2_000);
  const [delivery] = (await claimDeliveries(world.store, world.clock.now())).deliveries;
  assert(delivery);
  const drain = new AbortController();
  const sink = createSmsSink({
    ...world.sinkOptions,
    provider: {
      ...world.sinkOptions.provider,
      list: (request) => {
        drain.abort();
        return world.sinkOptions.provider.list(request);
      },
    },
  });
  const end = await sink.attempt(delivery, drain.signal);
  assert.equal(end.report.class, "shutdown");
  const history = await world.store.readDelivery(delivery.id);
  assert.equal(JSON.parse(history?.progressJson ?? "null").parts[0].fate.lookUps, 0);
});
