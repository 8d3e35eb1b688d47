import assert from "node:assert/strict";
import { type Call, JSON_TYPE, PATH, say, SESSION } from "./calls.ts";
import { CUSTOMER, OUR_NUMBER, REFUSED_NUMBER, SECRETS, STRANGER, WORDS } from "./personal.ts";
import type { World } from "./world.ts";

/** Accept, an agent's text that is delivered, one that is not, and a notification with all that may be in one. */
export async function conversation({ centre, twilio, logged, patchbay }: World, call: Call) {
  centre.addSession({
    id: SESSION,
    customer: { nickname: WORDS.nickname, phone: CUSTOMER },
    userData: { PhoneNumber: CUSTOMER.slice(1), note: WORDS.userData },
  });
  const accepted = await call("POST", PATH, { operationName: "Accept", nickname: "John" }, {
    headers: { "idempotency-key": SECRETS.idempotencyKey },
  });
  assert.equal(accepted.status, 200, accepted.text);
  await logged("subscriber.live");
  assert.equal(
    (await call("PUT", `/v1/sessions/${SESSION}/customer`, { phone: CUSTOMER })).status,
    200,
  );
  await say(call, WORDS.agentText);
  await logged("sms.delivered");
  twilio.walks.next({ outcome: "undelivered", errorCode: 30003 });
  await say(call, WORDS.undelivered);
  await logged("sms.failed");
  await logged("sms.notice_sent");
  centre.customerTexts(SESSION, WORDS.centreText);
  const ingest = (body: unknown) =>
    fetch(`${patchbay.url}/ingress/notifications`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${SECRETS.notificationsToken}`,
        "content-type": JSON_TYPE,
      },
      body: JSON.stringify(body),
    });
  for (
    const body of [
      { notificationType: "NewMessages", messages: [{ text: WORDS.badNotification }] },
      {
        smssession: { id: SESSION, userData: { PhoneNumber: STRANGER } },
        text: WORDS.badNotification,
      },
      `${WORDS.badNotification} ${STRANGER}`,
    ]
  ) await (await ingest(body)).body?.cancel();
}

/** Texts of the customer, opting out and in again included. */
export async function customerWrites({ twilio, logged }: World): Promise<void> {
  for (const body of [`${WORDS.customerText} ${STRANGER}`, "STOP", "START"]) {
    const { taken } = await twilio.textIn({ from: CUSTOMER, body });
    assert.ok(taken);
  }
  await twilio.textIn({ from: STRANGER, body: WORDS.customerText });
  await logged("sms.received", 4);
}

/** Requests that say of themselves that they are Twilio's. */
export async function forgeries({ twilio, patchbay, logged }: World): Promise<void> {
  const unsigned = await fetch(`${patchbay.url}/ingress/twilio/sms`, {
    method: "POST",
    headers: { "x-twilio-signature": btoa(SECRETS.twilioToken) },
    body: new URLSearchParams({ From: STRANGER, To: OUR_NUMBER, Body: WORDS.unsignedText }),
  });
  await unsigned.body?.cancel();
  assert.equal(unsigned.status, 401);
  const odd: readonly Readonly<Record<string, string>>[] = [
    { AccountSid: `AC${"1".repeat(32)}` },
    { From: REFUSED_NUMBER },
    { MessageSid: STRANGER },
  ];
  for (const fields of odd) {
    const { taken } = await twilio.textIn({ from: STRANGER, body: WORDS.foreignText, fields });
    assert.ok(!taken);
  }
  await logged("twilio.refused", odd.length);
  // Whatever of ours was texted.
  const other = await twilio.textIn({
    from: STRANGER,
    to: "+12025565555",
    body: WORDS.foreignText,
  });
  assert.ok(other.taken);
  twilio.configure({ signingToken: SECRETS.twilioTokenNext });
  const { taken } = await twilio.textIn({ from: STRANGER, body: WORDS.customerText });
  assert.ok(taken);
}

/** To somebody who has opted out, with every fault of Twilio's, and to an account that is refused. */
export async function textsThatFail({ twilio, logged }: World, call: Call): Promise<void> {
  twilio.optOuts.set(CUSTOMER, OUR_NUMBER, true);
  await say(call, WORDS.toOptedOut);
  await logged("sms.failed", 2);
  twilio.optOuts.set(CUSTOMER, OUR_NUMBER, false);
  await twilio.textIn({ from: CUSTOMER, body: "START" });
  twilio.faults.rateLimited();
  twilio.faults.serverError();
  await say(call, WORDS.doubted);
  await logged("sms.unknown");
  twilio.faults.connectionReset({ when: "after-acting" });
  await say(call, WORDS.doubted);
  twilio.faults.timeoutAfterActing();
  await say(call, WORDS.doubted);
  await logged("sms.sent", 4);
  twilio.faults.next({
    kind: "status",
    status: 401,
    body: { code: 20003, message: `${STRANGER} ${WORDS.refusedAccount}`, status: 401 },
  });
  await say(call, WORDS.refusedAccount);
  await logged("sms.stopped");
}
