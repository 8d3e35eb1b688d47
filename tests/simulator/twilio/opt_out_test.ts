/** Who may be texted by the simulated Twilio after STOP, START and their like. */
import assert from "node:assert/strict";
import { startHookServer } from "./hook_server.ts";
import { startTwilio, type TwilioOptions } from "../../../simulator/twilio/server.ts";
import type { Twilio } from "../../../simulator/twilio/twilio.ts";
import { FROM, post, readRefusal, TO } from "./client.ts";

const TOLL_FREE = "+18005550100";
const SERVICE = `MG${"0".repeat(32)}`;

async function start(options: TwilioOptions = {}) {
  const hooks = startHookServer(() =>
    new Response("<Response/>", { headers: { "content-type": "text/xml" } })
  );
  const twilio = await startTwilio({ inboundUrl: hooks.url, ...options });
  return {
    hooks,
    twilio,
    async [Symbol.asyncDispose]() {
      await twilio.close();
      await hooks[Symbol.asyncDispose]();
    },
  };
}

/** The code that a text to the customer is refused with; null: it is taken. */
async function refusedWith(
  twilio: Twilio,
  form: Readonly<Record<string, string>> = {},
): Promise<number | null> {
  const response = await post(twilio, form);
  if (response.status !== 201) return (await readRefusal(response)).code;
  await response.body?.cancel();
  return null;
}

for (
  const word of ["STOP", "stop", " Stop\n", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"]
    .concat("REVOKE", "OPTOUT")
) {
  Deno.test(`after ${JSON.stringify(word)} a text is refused with 21610 until START`, async () => {
    await using world = await start();
    await world.twilio.textIn({ from: TO, body: word });
    assert.equal(await refusedWith(world.twilio), 21610);
    assert.equal(await refusedWith(world.twilio, { To: "+12025550199" }), null);
    assert.equal(await refusedWith(world.twilio, { From: "+12025550100" }), null);
    await world.twilio.textIn({ from: TO, body: "START" });
    assert.equal(await refusedWith(world.twilio), null);
  });
}

for (const body of ["STOP PLEASE", "please stop", "", "stopp"]) {
  Deno.test(`${JSON.stringify(body)} does not opt out`, async () => {
    await using world = await start();
    await world.twilio.textIn({ from: TO, body });
    assert.equal(await refusedWith(world.twilio), null);
  });
}

for (const [word, to, expected] of [["YES", FROM, null], ["UNSTOP", FROM, null]] as const) {
  Deno.test(`${word} opts in again`, async () => {
    await using world = await start();
    world.twilio.optOuts.set(TO, to, true);
    await world.twilio.textIn({ from: TO, body: word });
    assert.equal(await refusedWith(world.twilio), expected);
  });
}

Deno.test("YES does not open a toll-free number again, UNSTOP does", async () => {
  await using world = await start({ ownNumber: TOLL_FREE });
  for (const body of ["STOP", "YES"]) await world.twilio.textIn({ from: TO, body });
  assert.equal(await refusedWith(world.twilio, { From: TOLL_FREE }), 21610);
  await world.twilio.textIn({ from: TO, body: "UNSTOP" });
  assert.equal(await refusedWith(world.twilio, { From: TOLL_FREE }), null);
});

Deno.test("STOP to a number of a Messaging Service closes the whole service", async () => {
  await using world = await start();
  await world.twilio.textIn({ from: TO, body: "STOP", messagingServiceSid: SERVICE });
  const form = { From: "", MessagingServiceSid: SERVICE };
  assert.equal(await refusedWith(world.twilio, form), 21610);
});

Deno.test("a short code's stop words are looked after with Advanced Opt-Out alone", async () => {
  await using world = await start();
  await world.twilio.textIn({ from: TO, to: "12345", body: "STOP" });
  assert.equal(await refusedWith(world.twilio, { From: "12345" }), null);
  world.twilio.configure({ advancedOptOut: true });
  await world.twilio.textIn({ from: TO, to: "12345", body: "STOP" });
  assert.equal(await refusedWith(world.twilio, { From: "12345" }), 21610);
});

Deno.test("the text is handed in all the same, with OptOutType under Advanced Opt-Out", async () => {
  await using world = await start({ advancedOptOut: true });
  for (const body of ["STOP", "START", "HELP", "hello"]) {
    await world.twilio.textIn({ from: TO, body });
  }
  const types = world.hooks.requests.items.map(({ fields }) => fields["OptOutType"]);
  assert.deepEqual(types, ["STOP", "START", "HELP", undefined]);
});

Deno.test("Twilio's own confirmations are among what the customer gets", async () => {
  await using world = await start();
  for (const body of ["STOP", "HELP", "START"]) await world.twilio.textIn({ from: TO, body });
  assert.deepEqual(world.twilio.replies.items.map(({ why, to, from }) => [why, to, from]), [
    ["opt-out", TO, FROM],
    ["help", TO, FROM],
    ["opt-in", TO, FROM],
  ]);
});

Deno.test("a copy of an old STOP changes nothing", async () => {
  await using world = await start();
  const { messageSid } = await world.twilio.textIn({ from: TO, body: "STOP" });
  await world.twilio.textIn({ from: TO, body: "START" });
  await world.twilio.textIn({ from: TO, body: "STOP", sid: messageSid });
  assert.equal(await refusedWith(world.twilio), null);
});
