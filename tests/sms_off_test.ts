import assert from "node:assert/strict";
import { startTwilio } from "../simulator/twilio/server.ts";
import { clockAhead, startLocalPatchbay } from "./support/local_patchbay.ts";
import { clientOf, redisEnv } from "./support/patchbay_for_load.ts";
import { startContactCentre } from "../simulator/contact_centre/server.ts";
import { startRedisServer } from "../simulator/kit/redis_server.ts";
import { redisTest } from "./support/needs_redis.ts";

const SESSION = "0000Na9B26EF002X";
const MINUTE_MS = 60_000;

async function sayAsAgent(url: string, text: string): Promise<void> {
  const { ingest, manage } = await clientOf(url);
  const accept = { operationName: "Accept", nickname: "Marat" };
  await manage("POST", `/api/v2/me/smssessions/${SESSION}`, accept);
  await manage("PUT", `/v1/sessions/${SESSION}/customer`, { phone: "+16501110001" });
  const message = {
    index: 1,
    type: "Text",
    from: { type: "Agent", nickname: "Marat", participantId: "1" },
    visibility: "All",
    timestampSeconds: Date.now() + 1_000,
    text,
  };
  await ingest(JSON.stringify({
    messageType: "MessageLogUpdated",
    notificationType: "NewMessages",
    smssession: { id: SESSION },
    messages: [message],
  }));
}

/** SMS is on with nobody at Twilio's address, then off, then on with Twilio there. */
async function switchOffAndOn(storeEnv: Readonly<Record<string, string>>): Promise<void> {
  await using centre = await startContactCentre({ acceptsAny: true });
  await using twilio = await startTwilio();
  const without = { ...storeEnv, UPSTREAM_URL: centre.url };
  const withSms = (apiUrl: string) => ({
    ...without,
    PUBLIC_URL: "https://edge.example",
    TWILIO_ACCOUNT_SID: twilio.accountSid,
    TWILIO_AUTH_TOKEN: twilio.authToken,
    TWILIO_FROM: "+15005550006",
    TWILIO_API_URL: apiUrl,
  });
  {
    const closed = await startTwilio();
    await closed.close();
    await using patchbay = await startLocalPatchbay(withSms(closed.url));
    await sayAsAgent(patchbay.url, "Hello");
  }
  {
    // Its first claim is over before it has drained.
    await using _off = await startLocalPatchbay(without, { clock: clockAhead(MINUTE_MS) });
  }
  const clock = clockAhead(2 * MINUTE_MS);
  await using _on = await startLocalPatchbay(withSms(twilio.url), { clock });
  const sent = await twilio.received(1, { timeoutMs: 15_000 });
  assert.equal(sent.body, "Hello");
}

Deno.test("a text that is left when SMS is switched off waits, and leaves when it is on again", async () => {
  const dir = await Deno.makeTempDir({ prefix: "sms-off-" });
  await switchOffAndOn({ SQLITE_PATH: `${dir}/patchbay.db` });
  await Deno.remove(dir, { recursive: true });
});

redisTest("the same holds with Redis", async () => {
  await using redis = await startRedisServer();
  await switchOffAndOn(redisEnv(redis.url));
});
