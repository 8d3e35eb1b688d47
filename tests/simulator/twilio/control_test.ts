/** The simulated Twilio's strings over HTTP: `/control`. */
import assert from "node:assert/strict";
import { startHookServer } from "./hook_server.ts";
import { readFlags } from "../../../simulator/twilio/flags.ts";
import { startTwilio } from "../../../simulator/twilio/server.ts";
import type { Twilio } from "../../../simulator/twilio/twilio.ts";
import { FROM, post, postGood, readRefusal, TO } from "./client.ts";

async function control(
  { url }: Twilio,
  path: string,
  body?: unknown,
  method = body === undefined ? "GET" : "POST",
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${url}/control${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

Deno.test("without being asked for, control is not there", async () => {
  await using twilio = await startTwilio();
  assert.equal((await control(twilio, "")).status, 401);
});

Deno.test("a customer writes by control, and the answer tells what came of it", async () => {
  await using hooks = startHookServer(() => new Response("OK"));
  await using twilio = await startTwilio({ control: true });
  await control(twilio, "/settings", { inboundUrl: hooks.url });
  const { status, body } = await control(twilio, "/texts", { from: TO, body: "Hello" });
  assert.equal(status, 200);
  const done = body["done"];
  assert.ok(typeof done === "object" && done !== null);
  assert.deepEqual("replies" in done && done.replies, [
    { to: TO, from: FROM, body: "OK", why: "plain-text" },
  ]);
  assert.equal((await hooks.requests.received(1)).fields["Body"], "Hello");
  const overview = (await control(twilio, "")).body;
  assert.deepEqual(overview["replies"], [{ to: TO, from: FROM, body: "OK", why: "plain-text" }]);
});

Deno.test("walks and statuses are set by control", async () => {
  await using hooks = startHookServer();
  await using twilio = await startTwilio({ control: true });
  await control(twilio, "/walk", { walk: { outcome: "failed", errorCode: 30005 }, once: true });
  const { sid } = await postGood(twilio, { StatusCallback: hooks.url });
  assert.equal((await hooks.requests.received(1)).fields["ErrorCode"], "30005");
  await control(twilio, "/statuses", { sid, status: "sent" });
  assert.equal((await hooks.requests.received(2)).fields["MessageStatus"], "sent");
  await control(twilio, "/walk", { walk: { outcome: "sent" }, to: "+12025550188" });
  await postGood(twilio, { StatusCallback: hooks.url });
  await postGood(twilio, { StatusCallback: hooks.url, To: "+12025550188" });
  await twilio.walks.idle();
  assert.deepEqual(twilio.messages.map(({ status }) => status), ["failed", "queued", "sent"]);
});

Deno.test("opt-outs are set by control", async () => {
  await using twilio = await startTwilio({ control: true });
  await control(twilio, "/opt-outs", { customer: TO, sender: FROM, optedOut: true });
  assert.equal((await readRefusal(await post(twilio))).code, 21610);
  await control(twilio, "/opt-outs", { customer: TO, sender: FROM, optedOut: false });
  await postGood(twilio);
});

Deno.test("faults are planned, set as rates, and forgotten by control", async () => {
  await using twilio = await startTwilio({ control: true });
  const status = async () => {
    const response = await post(twilio);
    await response.body?.cancel();
    return response.status;
  };
  await control(twilio, "/faults", { fault: "rate-limited", times: 2 });
  assert.deepEqual([await status(), await status(), await status()], [429, 429, 201]);
  await control(twilio, "/faults", { fault: "server-error", sent: true });
  assert.deepEqual([await status(), twilio.messages.length], [500, 2]);
  await control(twilio, "/fault-rates", { serverError: 1 });
  assert.deepEqual([await status(), await status()], [500, 500]);
  await control(twilio, "/faults", { fault: "rate-limited" });
  await control(twilio, "/faults", undefined, "DELETE");
  assert.equal(await status(), 201);
});

const FAULTY: readonly (readonly [string, unknown, RegExp])[] = [
  ["/texts", {}, /Cannot use from/],
  ["/texts", { from: TO, phone: "1" }, /Cannot use phone/],
  ["/walk", { walk: { doubled: 2 } }, /Cannot use walk.doubled/],
  ["/statuses", { sid: "SM0", status: "sent" }, /no such message/],
  ["/faults", { fault: "flood" }, /Cannot use fault/],
  ["/fault-rates", { flood: 1 }, /Cannot use flood/],
];

for (const [path, body, expected] of FAULTY) {
  Deno.test(`control says what is wrong with ${JSON.stringify(body)} at ${path}`, async () => {
    await using twilio = await startTwilio({ control: true });
    const answer = await control(twilio, path, body);
    assert.equal(answer.status, 400);
    assert.match(String(answer.body["error"]), expected);
  });
}

Deno.test("control says that a body is no JSON", async () => {
  await using twilio = await startTwilio({ control: true });
  const response = await fetch(`${twilio.url}/control/texts`, { method: "POST", body: "from=1" });
  assert.deepEqual(await response.json(), { error: "Cannot use the body: expected JSON" });
});

const FAULTY_FLAGS: readonly (readonly [readonly string[], string])[] = [
  [["--outcome", "lost"], "--outcome lost"],
  [["--doubled", "2"], "--doubled 2"],
  [["--fault", "flood=0.1"], "--fault flood=0.1"],
  [["--fault", "timeout=often"], "--fault timeout often"],
  [["--reach", "edge.example"], "--reach edge.example"],
  [["--inbound-url", "ftp://x"], "--inbound-url ftp://x"],
  [["--step-ms", "-1"], "--step-ms -1"],
];

for (const [args, named] of FAULTY_FLAGS) {
  Deno.test(`the flag ${args.join(" ")} is refused`, () => {
    assert.throws(() => readFlags(args[1]?.startsWith("-") ? [args.join("=")] : args), {
      name: "UsageError",
      message: new RegExp(`^Cannot use ${named}: expected `),
    });
  });
}

Deno.test("flags say how messages get on and what goes wrong", () => {
  const flags = readFlags([
    ...["--outcome", "undelivered", "--error-code", "30008", "--doubled", "0.5", "--shuffled"],
    ...["--fault", "timeoutSent=0.1", "--fault", "rateLimited=.2", "--advanced-opt-out"],
    ...["--reach", "https://edge.example/=http://127.0.0.1:8000/"],
  ]);
  assert.deepEqual(flags?.walk, {
    outcome: "undelivered",
    errorCode: 30008,
    stepMs: 200,
    shuffled: true,
    doubled: 0.5,
    delayMs: 1000,
  });
  assert.deepEqual(flags?.faultRates, { timeoutSent: 0.1, rateLimited: 0.2 });
  assert.deepEqual(flags?.reach, { "https://edge.example": "http://127.0.0.1:8000" });
  assert.equal(flags?.advancedOptOut, true);
});
