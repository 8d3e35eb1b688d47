/** How often and how much at a time a whole Patchbay takes in, without a network around it. */
import { noNetwork } from "../support/no_network.ts";
import assert from "node:assert/strict";
import { composePatchbay } from "../../composition/patchbay.ts";
import { readConfig } from "../../services/config/config.ts";
import { createTestKey, TEST_AUDIENCE, TEST_ISSUER } from "../../simulator/kit/tokens.ts";
import { createMemoryLog } from "../support/memory_log.ts";
import { ACCOUNT_SID, signature } from "../support/twilio_requests.ts";
import { createVirtualClock } from "../support/virtual_clock.ts";

const ORIGIN = "http://127.0.0.1:8000";
const NOTIFICATIONS_TOKEN = "notifications-of-guards";
const AUTH_TOKEN = "an-auth-token-of-guards";
const PUBLIC_URL = "https://patchbay.example";
const MIB = 1024 * 1024;

const key = await createTestKey();

interface Sending {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: BodyInit;
}

async function openPatchbay(env: Record<string, string> = {}, upstream = () => Promise.resolve()) {
  const reading = readConfig({
    UPSTREAM_URL: "http://127.0.0.1:2",
    JWT_ISSUER: TEST_ISSUER,
    JWT_AUDIENCE: TEST_AUDIENCE,
    JWT_PUBLIC_KEY: JSON.stringify(key.publicJwk),
    SQLITE_PATH: ":memory:",
    NOTIFICATIONS_TOKEN,
    PUBLIC_URL,
    TWILIO_ACCOUNT_SID: ACCOUNT_SID,
    TWILIO_AUTH_TOKEN: AUTH_TOKEN,
    TWILIO_FROM: "+15005550006",
    ...env,
  });
  if (!reading.ok) throw new Error(reading.faults.join("\n"));
  const clock = createVirtualClock();
  const log = createMemoryLog();
  const patchbay = await composePatchbay(reading.config, {
    log,
    clock,
    random: Math.random,
    fetch: async () => {
      await upstream();
      return Response.json({ statusCode: 0 });
    },
    network: noNetwork,
  });
  const send = async (path: string, { method = "GET", headers = {}, body }: Sending = {}) => {
    const answer = await patchbay.fetch(
      new Request(ORIGIN + path, { method, headers, ...(body !== undefined && { body }) }),
      {
        remoteAddr: { transport: "tcp", hostname: "127.0.0.1", port: 1 },
        completed: Promise.resolve(),
      },
    );
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text };
  };
  const token = async (sub: string, scope: string) => ({
    authorization: `Bearer ${await key.sign({ sub, scope }, { nowMs: clock.now() })}`,
  });
  return {
    clock,
    log,
    send,
    token,
    notify: (bearer: string) =>
      send("/ingress/notifications", {
        method: "POST",
        headers: { "authorization": `Bearer ${bearer}`, "content-type": "application/json" },
        body: JSON.stringify({
          notificationType: "StatusChange",
          smssession: { id: "0000Na9B26EF002X", state: "Chatting" },
        }),
      }),
    report: (signedWith: string) => {
      const fields = {
        AccountSid: ACCOUNT_SID,
        MessageSid: `SM${"0".repeat(32)}`,
        MessageStatus: "sent",
      };
      const target = "/ingress/twilio/status?part=0";
      return send(target, {
        method: "POST",
        headers: {
          "content-type": "application/x-www-form-urlencoded",
          "x-twilio-signature": signature(signedWith + target, fields, AUTH_TOKEN),
        },
        body: new URLSearchParams(fields),
      });
    },
    [Symbol.asyncDispose]: () => patchbay.drain(() => Promise.resolve()),
  };
}

Deno.test("an agent's requests are counted apart from what it does to webhooks, and every answer tells what is left", async () => {
  await using patchbay = await openPatchbay({ RATE_LIMIT_PER_AGENT: "1/s" });
  const headers = await patchbay.token("agent-1", "sms:operate sessions:read webhooks:read");
  const left = async (path: string) => {
    const answer = await patchbay.send(path, { headers });
    return [answer.status, answer.headers.get("ratelimit")];
  };
  assert.deepEqual(await left("/api/v2/me"), [200, '"agent";r=1;t=1']);
  assert.deepEqual(await left("/v1/sessions"), [200, '"agent";r=0;t=1']);
  assert.deepEqual(await left("/api/v2/me"), [429, '"agent";r=0;t=1']);
  assert.deepEqual(await left("/v1/webhooks"), [200, '"manager";r=1;t=1']);
  assert.deepEqual(await left("/v1/deliveries"), [200, '"manager";r=0;t=1']);
  assert.deepEqual(await left("/v1/events"), [429, '"manager";r=0;t=1']);
});

Deno.test("without a limit of its own nothing is said of one", async () => {
  await using patchbay = await openPatchbay({ RATE_LIMIT_PER_AGENT: "off" });
  const headers = await patchbay.token("agent-1", "sms:operate");
  const answer = await patchbay.send("/api/v2/me", { headers });
  assert.deepEqual([answer.status, answer.headers.get("ratelimit")], [200, null]);
});

Deno.test("strangers who try tokens at the ingress are slowed down, and the contact centre is not", async () => {
  await using patchbay = await openPatchbay();
  const seen = new Map<number, number>();
  for (let attempt = 0; attempt < 300; attempt++) {
    const { status } = await patchbay.notify(`a-wrong-token-${attempt}`);
    seen.set(status, (seen.get(status) ?? 0) + 1);
  }
  assert.deepEqual([...seen], [[401, 200], [429, 100]]);
  const known = await patchbay.notify(NOTIFICATIONS_TOKEN);
  assert.equal(known.status, 202);
  assert.equal(known.headers.get("ratelimit"), '"notifications";r=19999;t=1');
  assert.equal((await patchbay.notify("a-wrong-token-more")).headers.get("ratelimit"), null);
});

Deno.test("strangers who forge signatures are slowed down, and the SMS account is not", async () => {
  await using patchbay = await openPatchbay();
  const statuses: number[] = [];
  for (let attempt = 0; attempt < 202; attempt++) {
    statuses.push((await patchbay.report("https://forged.example")).status);
  }
  assert.deepEqual(statuses.slice(198), [401, 401, 429, 429]);
  const known = await patchbay.report(PUBLIC_URL);
  assert.equal(known.status, 204, known.text);
  assert.equal(known.headers.get("ratelimit"), '"texts";r=19999;t=1');
});

Deno.test("2,000 requests are taken in at a time, and the next is refused at once; whoever looks after Patchbay is answered", async () => {
  const gate = Promise.withResolvers<void>();
  await using patchbay = await openPatchbay(
    { RATE_LIMIT_PER_AGENT: "off" },
    () => gate.promise,
  );
  const headers = await patchbay.token("agent-1", "sms:operate");
  const sent = Array.from({ length: 2_001 }, () => patchbay.send("/api/v2/me", { headers }));
  const refused = await Promise.race(sent);
  assert.equal(refused.status, 503);
  assert.equal(JSON.parse(refused.text).type, "/problems/overloaded");
  assert.equal(refused.headers.get("retry-after"), "1");
  assert.equal((await patchbay.notify(NOTIFICATIONS_TOKEN)).status, 503);
  assert.equal((await patchbay.notify("a-wrong-token-again")).status, 401, "no place is taken");
  for (const path of ["/healthz", "/readyz", "/metrics"]) {
    assert.equal((await patchbay.send(path)).status, 200, path);
  }
  gate.resolve();
  const answers = await Promise.all(sent);
  assert.equal(answers.filter(({ status }) => status === 200).length, 2_000);
  assert.equal((await patchbay.notify(NOTIFICATIONS_TOKEN)).status, 202);
  assert.deepEqual(patchbay.log.of("work.refused").map(({ fields }) => fields.inFlight), [2_000]);
  assert.equal(patchbay.log.of("work.resumed").length, 1);
  assert.equal(patchbay.log.of("request.failed").length, 0);
});

Deno.test("16 MiB of bodies are held at a time, of whoever is known", async () => {
  const gate = Promise.withResolvers<void>();
  await using patchbay = await openPatchbay({ RATE_LIMIT_PER_AGENT: "off" }, () => gate.promise);
  const agent = await patchbay.token("agent-1", "sms:operate");
  const send = (session: number) =>
    patchbay.send(`/api/v2/me/smssessions/S${session}`, {
      method: "POST",
      headers: { ...agent, "content-type": "application/json" },
      body: JSON.stringify({
        operationName: "Accept",
        nickname: "Ada",
        filler: "x".repeat(64 * 1024 - 60),
      }),
    });
  const count = 16 * MIB / (64 * 1024) + 3;
  const statuses = Array.from(
    { length: count },
    async (_, session) => (await send(session)).status,
  );
  const first = await Promise.race(statuses);
  assert.equal(first, 503);
  gate.resolve();
  const all = await Promise.all(statuses);
  const refused = all.filter((status) => status === 503).length;
  assert.ok(refused >= 2 && refused <= 3, `${refused} were refused`);
  assert.equal(await send(count).then(({ status }) => status), 200, "and all room is back");
});
