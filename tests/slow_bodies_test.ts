import assert from "node:assert/strict";
import { createTestKey } from "../simulator/kit/tokens.ts";
import { patchbayEnv } from "./support/patchbay_for_load.ts";
import { type PatchbayProcess, startPatchbayProcess } from "./support/patchbay_process.ts";
import { ACCOUNT_SID, OWN_NUMBER } from "./support/twilio_requests.ts";

const SCOPES = [
  ...["sms:operate", "sms:supervise", "sessions:write", "webhooks:write", "opt-outs:write"],
  ...["credentials:write", "tokens:revoke"],
].join(" ");
const WH = "wh_00000000000000000000000000";

/** Every route that reads a body. */
const ROUTES: readonly string[] = [
  "POST /api/v2/me",
  "POST /api/v2/me/smssessions/s1",
  "POST /api/v2/users/agent-2/smssessions/s1",
  "PUT /v1/agents/me/credentials",
  "PUT /v1/sessions/s1/customer",
  "PUT /v1/opt-outs/+16505550100",
  "DELETE /v1/opt-outs/+16505550100",
  "DELETE /v1/tokens/jti",
  "POST /v1/webhooks",
  `PATCH /v1/webhooks/${WH}`,
  `POST /v1/webhooks/${WH}/recover`,
  "POST /v1/deliveries/dlv_1/resolve",
  "POST /ingress/notifications",
  "POST /ingress/twilio/sms",
  "POST /ingress/twilio/status",
];

/** Longer than a body may pause, and shorter than anybody would wait. */
const ANSWERED_WITHIN_MS = 12_000;

/** Sends a head and the beginning of its body, then a byte each second if `drips`; resolves with the answer. */
async function answerTo(
  { url }: PatchbayProcess,
  route: string,
  token: string,
  drips: boolean,
): Promise<string> {
  const [method, path] = route.split(" ");
  const isForm = route.includes("/twilio/");
  const head = [
    `${method} ${path} HTTP/1.1`,
    "host: patchbay.test",
    `authorization: Bearer ${token}`,
    `content-type: application/${isForm ? "x-www-form-urlencoded" : "json"}`,
    "x-twilio-signature: forged",
    "content-length: 2000",
    "",
    isForm ? "Body=x" : '{"operationName":',
  ].join("\r\n");
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(url).port) });
  await connection.write(new TextEncoder().encode(head));
  const dripping = drips
    ? setInterval(() => void connection.write(new TextEncoder().encode("x")).catch(() => {}), 1_000)
    : undefined;
  const { promise: tooLate, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(() => resolve("no answer"), ANSWERED_WITHIN_MS);
  const buffer = new Uint8Array(4_096);
  const answer = connection.read(buffer).then((read) =>
    read === null ? "closed" : new TextDecoder().decode(buffer.subarray(0, read))
  );
  try {
    return await Promise.race([answer, tooLate]);
  } finally {
    clearTimeout(timer);
    clearInterval(dripping);
  }
}

Deno.test("no route holds a body that pauses or drips for longer than some seconds", async () => {
  const key = await createTestKey();
  const env = await patchbayEnv(0);
  await using patchbay = await startPatchbayProcess({
    ...env,
    JWT_PUBLIC_KEY: JSON.stringify(key.publicJwk),
    SQLITE_PATH: ":memory:",
    PUBLIC_URL: "https://edge.example",
    TWILIO_ACCOUNT_SID: ACCOUNT_SID,
    TWILIO_AUTH_TOKEN: "a-token-of-the-account",
    TWILIO_FROM: OWN_NUMBER,
    LOG_LEVEL: "info",
  });
  const agentToken = await key.sign({ scope: SCOPES });
  await Promise.all(ROUTES.flatMap((route) =>
    [false, true].map(async (drips) => {
      const isNotified = route === "POST /ingress/notifications";
      const token = isNotified ? env["NOTIFICATIONS_TOKEN"] ?? "" : agentToken;
      const answer = await answerTo(patchbay, route, token, drips);
      const what = `${route}, ${drips ? "dripping" : "pausing"}: ${answer}`;
      assert.match(answer, /^HTTP\/1\.1 408 /, what);
      assert.match(answer, /\r\nconnection: close\r\n/i, what);
      assert.match(answer, /\r\ncontent-type: application\/problem\+json\r\n/i, what);
    })
  ));
});

Deno.test("whoever is not known is answered before a byte of the body has come", async () => {
  const env = await patchbayEnv(0);
  await using patchbay = await startPatchbayProcess({
    ...env,
    SQLITE_PATH: ":memory:",
    LOG_LEVEL: "info",
  });
  const known = ROUTES.filter((route) => !route.includes("/twilio/"));
  await Promise.all(known.map(async (route) => {
    const answer = await answerTo(patchbay, route, "a.b.c", false);
    assert.match(answer, /^HTTP\/1\.1 401 /, `${route}: ${answer}`);
  }));
});
