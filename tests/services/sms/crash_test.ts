import assert from "node:assert/strict";
import { createSmsSink } from "../../../services/sms/sms_sink.ts";
import { claimDeliveries } from "../store/drafts.ts";
import { dataOf, startTexting, type TextingOptions } from "../../support/texting_world.ts";

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

Deno.test("a text in doubt whose customer has another number by now is unknown, and never sent there by itself", async () => {
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
  await world.until("delivered");
  assert.deepEqual(world.twilio.messages.map(({ to }) => to), ["+16502229999"]);
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
