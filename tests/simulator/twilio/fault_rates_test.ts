/** Sends to the simulated Twilio that fail by chance, and repeatably. */
import assert from "node:assert/strict";
import { seededRandom } from "../../../simulator/kit/seeded_random.ts";
import type { FaultRates } from "../../../simulator/twilio/fault_rates.ts";
import { startTwilio } from "../../../simulator/twilio/server.ts";
import { list, post } from "./client.ts";

const GIVE_UP_MS = 1_000;

/** What a client meets. */
async function send(twilio: Parameters<typeof post>[0], body: string): Promise<string> {
  try {
    const response = await post(twilio, { Body: body }, {
      signal: AbortSignal.timeout(GIVE_UP_MS),
    });
    await response.body?.cancel();
    return String(response.status);
  } catch (error) {
    return error instanceof Error && error.name === "TimeoutError" ? "timeout" : "reset";
  }
}

const CERTAIN: readonly (readonly [keyof FaultRates, string, number])[] = [
  ["rateLimited", "429", 0],
  ["serverError", "500", 0],
  ["serverErrorSent", "500", 1],
  ["timeout", "timeout", 0],
  ["timeoutSent", "timeout", 1],
  ["reset", "reset", 0],
  ["resetSent", "reset", 1],
];

for (const [name, met, sent] of CERTAIN) {
  Deno.test(`with ${name} at 1 a send meets ${met} and ${sent} message is sent; reads go on`, async () => {
    await using twilio = await startTwilio({ faultRates: { [name]: 1 } });
    assert.equal(await send(twilio, "Hi"), met);
    assert.equal((await list(twilio)).messages.length, sent);
    twilio.configure({ faultRates: {} });
    assert.equal(await send(twilio, "Hi"), "201");
  });
}

Deno.test("the same seed makes the same sends fail, about as many as the rates say", async () => {
  const play = async () => {
    await using twilio = await startTwilio({
      random: seededRandom(7),
      faultRates: { rateLimited: 0.2, serverError: 0.1, serverErrorSent: 0.1 },
    });
    const met: string[] = [];
    for (let i = 0; i < 200; i++) met.push(await send(twilio, String(i)));
    return { met, sent: twilio.messages.length };
  };
  const first = await play();
  assert.deepEqual(await play(), first);
  const count = (status: string) => first.met.filter((met) => met === status).length;
  assert.ok(count("429") > 20 && count("429") < 60, `429: ${count("429")}`);
  assert.ok(count("500") > 20 && count("500") < 60, `500: ${count("500")}`);
  assert.ok(first.sent > count("201") && first.sent < 200 - count("429"));
});

Deno.test("a planned fault goes before chance", async () => {
  await using twilio = await startTwilio({ faultRates: { serverError: 1 } });
  twilio.faults.rateLimited();
  assert.equal(await send(twilio, "a"), "429");
  assert.equal(await send(twilio, "b"), "500");
});
