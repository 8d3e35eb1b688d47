import assert from "node:assert/strict";
import { type Call, PATH, SESSION } from "./calls.ts";
import { REFUSED_NUMBER, SECRETS, STRANGER, WORDS } from "./personal.ts";
import type { World } from "./world.ts";

export async function badRequests({ patchbay }: World, call: Call): Promise<void> {
  const bad: readonly unknown[] = [
    `{"text":"${WORDS.badBody}`,
    { operationName: "Accept", nickname: { text: WORDS.badBody } },
    { operationName: 7, text: `${WORDS.badBody} ${STRANGER}` },
    { operationName: "SendMessage", text: [WORDS.badBody] },
    { operationName: WORDS.badBody.slice(0, 3), text: WORDS.badBody },
  ];
  for (const body of bad) await call("POST", PATH, body);
  const phone = await call("PUT", `/v1/sessions/${SESSION}/customer`, { phone: REFUSED_NUMBER });
  assert.equal(phone.status, 400);
  const mismatch = await call("POST", PATH, { operationName: "Complete", text: WORDS.badBody }, {
    headers: { "idempotency-key": SECRETS.idempotencyKey },
  });
  assert.equal(mismatch.status, 422);
  await call("GET", `/v1/events?session=${encodeURIComponent(STRANGER)}`);
  await call("GET", `/nowhere/${WORDS.badBody}?token=${SECRETS.webhookQuery}`);
  const large = await call("POST", PATH, WORDS.badBody.repeat(20_000));
  assert.equal(large.status, 413);
  const { body } = await fetch(`${patchbay.url}${PATH}?token=${SECRETS.webhookQuery}`);
  await body?.cancel();
}

export async function upstreamFails({ centre }: World, call: Call): Promise<void> {
  const ofMessages = {
    matching: ({ path }: { readonly path: string }) => path.includes("/messages"),
  };
  const faults = [
    "reset",
    "hang",
    "cut",
    { kind: "html", status: 502 },
    { kind: "status", status: 500, body: { statusMessage: WORDS.upstreamAnswer } },
    { kind: "redirect", location: `https://other.example/?token=${SECRETS.webhookQuery}` },
  ] as const;
  for (const fault of faults) {
    centre.faults.next(fault, ofMessages);
    // What is cut off is also cut off for the caller.
    await call("GET", `${PATH}/messages`).catch(() => {});
  }
  centre.dropHttpSessions();
  centre.dropCometdSessions();
  await call("GET", PATH);
}

export async function leaving({ logged }: World, call: Call): Promise<void> {
  const expunged = await call("POST", `/v1/sessions/${SESSION}/expunge`);
  assert.equal(expunged.status, 200, expunged.text);
  const completed = await call("POST", PATH, { operationName: "Complete" });
  assert.equal(completed.status, 200, completed.text);
  await call("DELETE", "/v1/agents/me/credentials");
  await call("GET", "/api/v2/me");
  await logged("request.failed");
}

/** The store's address holds a password. */
export async function storeAway({ redis }: World, call: Call): Promise<void> {
  redis?.pause();
  const accept = { operationName: "Accept", nickname: WORDS.nickname };
  assert.equal((await call("POST", "/api/v2/me/smssessions/S2", accept)).status, 503);
  await redis?.kill();
  assert.equal((await call("POST", "/api/v2/me/smssessions/S3", accept)).status, 503);
}
