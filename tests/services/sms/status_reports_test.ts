import assert from "node:assert/strict";
import { StoreUnavailable } from "../../../services/errors.ts";
import { statusCallbackUrl } from "../../../services/sms/twilio/status_callback_url.ts";
import { deliveryId } from "../../../services/store/delivery_id.ts";
import { SMS_SINK } from "../../../services/store/port/deliveries.ts";
import type { Store } from "../../../services/store/port/store.ts";
import { onEachSmsStore, openSmsTestStore } from "../../support/sms_test_store.ts";
import {
  createTwilioIngressWorld,
  PUBLIC_URL,
  type TwilioIngressWorld,
} from "../../support/twilio_ingress.ts";
import { CUSTOMER, OWN_NUMBER, statusFields } from "../../support/twilio_requests.ts";
import {
  accept,
  claimDeliveries,
  draft,
  messages,
  publish,
  settle,
  T0,
} from "../../support/drafts.ts";

const SID = `SM${"a".repeat(32)}`;
const SESSION = "0000Na9B26EF002X";
const INDEX = 3;

/** A text of an agent on its way; gives its delivery's id. */
async function textOnItsWay(store: Store): Promise<string> {
  await accept(store, SESSION, "agent-1");
  const added = draft({
    type: "session.messages_added",
    sessionId: SESSION,
    data: messages([INDEX]),
    smsMessages: [{ index: INDEX, sentAtMs: T0 }],
  });
  await publish(store, [added]);
  return deliveryId(added.id, SMS_SINK, INDEX);
}

/** Where the reports on a part go: path and query. */
function target(id: string, part = 1, parts = 1): string {
  const subject = { deliveryId: id, sessionId: SESSION, part, parts };
  return statusCallbackUrl(PUBLIC_URL, subject).slice(PUBLIC_URL.origin.length);
}

async function tell(
  world: TwilioIngressWorld,
  to: string,
  change: Record<string, string | undefined>,
): Promise<void> {
  const answer = await world.post(to, statusFields(change));
  const said = await answer.text();
  assert.equal(answer.status, 204, said);
  assert.equal(said, "");
}

const smsEvents = async (world: TwilioIngressWorld) =>
  (await world.events())
    .filter(({ type }) => type.startsWith("sms.") || type.startsWith("customer."))
    .map(({ type, sequence, sessionId, data }) => ({ type, sequence, sessionId, data }));

const aboutText = (type: string, sequence: number, errorCode: number | null, sid = SID) => ({
  type,
  sequence,
  sessionId: SESSION,
  data: { messageIndex: INDEX, messageSid: sid, errorCode },
});

const UNDELIVERED = { MessageStatus: "undelivered", ErrorCode: "30003" };

onEachSmsStore("ST-01 reports in any order end in the same state", async (store) => {
  const id = await textOnItsWay(store);
  await using world = createTwilioIngressWorld(store);
  for (const MessageStatus of ["delivered", "queued", "sent", "sending"]) {
    await tell(world, target(id), { MessageStatus });
  }
  assert.deepEqual(await smsEvents(world), [aboutText("sms.delivered", 3, null)]);
});

onEachSmsStore("ST-02 fifty copies of a report at once make one event", async (store) => {
  const id = await textOnItsWay(store);
  await using world = createTwilioIngressWorld(store);
  const copies = Array.from({ length: 50 }, () => tell(world, target(id), UNDELIVERED));
  await Promise.all(copies);
  assert.deepEqual(await smsEvents(world), [aboutText("sms.failed", 3, 30003)]);
  await world.noticesTold();
  assert.equal(world.upstreamSeen.length, 1);
});

onEachSmsStore("ST-02 all statuses at once make one event each", async (store) => {
  const id = await textOnItsWay(store);
  await using world = createTwilioIngressWorld(store);
  const statuses = ["queued", "sending", "sent", "delivered", "read", "delivered", "sent"];
  await Promise.all(statuses.map((MessageStatus) => tell(world, target(id), { MessageStatus })));
  assert.deepEqual(await smsEvents(world), [aboutText("sms.delivered", 3, null)]);
});

for (const when of ["before", "after"] as const) {
  onEachSmsStore(
    `ST-02 a report whose writing broke off ${when} it was done is taken once`,
    async (store) => {
      const id = await textOnItsWay(store);
      let failed = false;
      const breaking: Store["publish"] = async (request) => {
        if (failed) return await store.publish(request);
        failed = true;
        if (when === "after") await store.publish(request);
        throw new StoreUnavailable("publish");
      };
      await using world = createTwilioIngressWorld({ ...store, publish: breaking });
      const refused = await world.post(target(id), statusFields(UNDELIVERED));
      assert.equal(refused.status, 503);
      await refused.body?.cancel();
      await tell(world, target(id), UNDELIVERED);
      assert.deepEqual(await smsEvents(world), [aboutText("sms.failed", 3, 30003)]);
    },
  );
}

onEachSmsStore("ST-03 a report that comes before the answer to create is taken", async (store) => {
  const id = await textOnItsWay(store);
  await using world = createTwilioIngressWorld(store);
  // The send is under way: its delivery is leased and not settled.
  const { deliveries } = await claimDeliveries(store, world.clock.now());
  assert.deepEqual(deliveries.map((delivery) => delivery.id), [id]);
  await tell(world, target(id), { MessageStatus: "delivered" });
  assert.deepEqual(await smsEvents(world), [aboutText("sms.delivered", 3, null)]);
});

onEachSmsStore(
  "ST-04 a text that is delivered after all is told as both, and logged",
  async (store) => {
    const id = await textOnItsWay(store);
    await using world = createTwilioIngressWorld(store);
    await tell(world, target(id), UNDELIVERED);
    await tell(world, target(id), { MessageStatus: "delivered" });
    await tell(world, target(id), UNDELIVERED);
    assert.deepEqual(await smsEvents(world), [
      aboutText("sms.failed", 3, 30003),
      aboutText("sms.delivered", 4, null),
    ]);
    assert.equal(world.log.of("sms.delivered_after_failure").length, 1);
  },
);

onEachSmsStore("ST-05 an error code is not wiped by a later report without one", async (store) => {
  const id = await textOnItsWay(store);
  await using world = createTwilioIngressWorld(store);
  const name = { kind: "sms-status", key: id, near: SESSION } as const;
  await tell(world, target(id), UNDELIVERED);
  for (const MessageStatus of ["undelivered", "sent", "failed", "delivered"]) {
    await tell(world, target(id), { MessageStatus });
  }
  const known = JSON.parse(await store.readRecord(name, world.clock.now()) ?? "");
  assert.deepEqual(known.messages, {
    [SID]: { part: 1, status: "delivered", errorCode: 30003 },
  });
});

onEachSmsStore("ST-06 statuses that we do not know change nothing", async (store) => {
  const id = await textOnItsWay(store);
  await using world = createTwilioIngressWorld(store);
  for (const MessageStatus of ["received", "teleported"]) {
    await tell(world, target(id), { MessageStatus });
  }
  assert.deepEqual(await smsEvents(world), []);
  assert.deepEqual(
    world.log.of("sms.status_unknown").map(({ fields }) => fields["status"]),
    ["received", "teleported"],
  );
});

onEachSmsStore(
  "ST-07 a report on no text of ours is answered and logged, and that is all",
  async (store) => {
    const id = await textOnItsWay(store);
    await using world = createTwilioIngressWorld(store);
    const strangers = [
      "/ingress/twilio/status",
      "/ingress/twilio/status?delivery=x",
      target("dlv_01ARZ3NDEKTSV4RRFFQ69G5FAV_sms3"),
      target(id).replace(SESSION, "another"),
      target(id).replace("part=1", "part=2"),
    ];
    for (const stranger of strangers) await tell(world, stranger, UNDELIVERED);
    assert.deepEqual(await smsEvents(world), []);
    assert.equal(world.log.of("sms.status_unmatched").length, strangers.length);
  },
);

onEachSmsStore(
  "ST-08 the agent reads why, although Twilio sends no ErrorMessage",
  async (store) => {
    const id = await textOnItsWay(store);
    await using world = createTwilioIngressWorld(store);
    await tell(world, target(id), UNDELIVERED);
    await world.noticesTold();
    const [seen, ...more] = world.upstreamSeen;
    assert.equal(more.length, 0);
    assert.equal(seen?.target, `/api/v2/me/smssessions/${SESSION}`);
    assert.deepEqual(JSON.parse(new TextDecoder().decode(seen?.bytes)), {
      operationName: "SendCustomNoticeToAgents",
      noticeText: "A text did not reach the customer. " +
        "The customer's phone is switched off or out of reach. (Twilio error 30003)",
    });
  },
);

onEachSmsStore("ST-08 a failure without a code is told without one", async (store) => {
  const id = await textOnItsWay(store);
  await using world = createTwilioIngressWorld(store);
  await tell(world, target(id), { MessageStatus: "failed", ErrorCode: "" });
  assert.deepEqual(await smsEvents(world), [aboutText("sms.failed", 3, null)]);
});

const part = (number: number) => `SM${String(number).repeat(32)}`;

onEachSmsStore("a long text is delivered once, when each of its parts is", async (store) => {
  const id = await textOnItsWay(store);
  await using world = createTwilioIngressWorld(store);
  for (const number of [3, 1, 2]) {
    assert.deepEqual(await smsEvents(world), []);
    await tell(world, target(id, number, 3), { MessageSid: part(number), MessageStatus: "sent" });
    await tell(world, target(id, number, 3), {
      MessageSid: part(number),
      MessageStatus: "delivered",
    });
  }
  assert.deepEqual(await smsEvents(world), [aboutText("sms.delivered", 3, null, part(1))]);
});

onEachSmsStore("a long text fails once, also when two of its parts fail at once", async (store) => {
  const id = await textOnItsWay(store);
  await using world = createTwilioIngressWorld(store);
  await Promise.all(
    [1, 2, 3].map((number) =>
      tell(world, target(id, number, 3), { ...UNDELIVERED, MessageSid: part(number) })
    ),
  );
  const [event, ...more] = await smsEvents(world);
  assert.deepEqual(more, []);
  assert.equal(event?.type, "sms.failed");
});

onEachSmsStore("what the sending side has told as failed is not told again", async (store) => {
  const id = await textOnItsWay(store);
  await using world = createTwilioIngressWorld(store);
  const { deliveries: [delivery] } = await claimDeliveries(store, T0);
  await settle(store, delivery ?? assert.fail(), { status: "dead" }, T0);
  await tell(world, target(id), UNDELIVERED);
  assert.deepEqual(await smsEvents(world), []);
});

/** The same, given up as unknown, with what is known of its parts. */
async function doubtfulText(store: Store, ...fates: readonly object[]): Promise<string> {
  const id = await textOnItsWay(store);
  const { deliveries: [delivery] } = await claimDeliveries(store, T0);
  assert(delivery);
  const progressJson = JSON.stringify({
    parts: fates.map((fate) => ({ length: 5, fate })),
    to: "…1111",
    sender: "…2222",
    tries: { limited: 0, unreached: 0, numberless: 0 },
  });
  await store.noteProgress({
    deliveryId: id,
    leaseToken: delivery.leaseToken,
    progressJson,
    nowMs: T0,
  });
  await settle(store, delivery, { status: "unknown" }, T0);
  return id;
}

const statusOf = async (store: Store, id: string) =>
  (await store.readDelivery(id))?.delivery.status;

const GIVEN_UP = { kind: "given-up" };
const taken = (number: number) => ({ kind: "taken", sid: part(number) });

const PROOFS: readonly (readonly [
  report: Record<string, string>,
  events: readonly ReturnType<typeof aboutText>[],
])[] = [
  [{ MessageStatus: "queued" }, [aboutText("sms.sent", 3, null)]],
  [{ MessageStatus: "delivered" }, [
    aboutText("sms.sent", 3, null),
    aboutText("sms.delivered", 4, null),
  ]],
  [UNDELIVERED, [aboutText("sms.sent", 3, null), aboutText("sms.failed", 4, 30003)]],
];

for (const [report, events] of PROOFS) {
  onEachSmsStore(
    `a report of ${report["MessageStatus"]} on a text whose fate was unknown ends the doubt first`,
    async (store) => {
      const id = await doubtfulText(store, GIVEN_UP);
      await using world = createTwilioIngressWorld(store);
      await Promise.all([1, 2, 3].map(() => tell(world, target(id), report)));
      await tell(world, target(id), report);
      assert.deepEqual(await smsEvents(world), events);
      const history = await store.readDelivery(id);
      assert.equal(history?.delivery.status, "delivered");
      const { class: attemptClass, detail, messageSid } = JSON.parse(
        history?.attemptsJson.at(-1) ?? "",
      );
      assert.deepEqual({ attemptClass, detail, messageSid }, {
        attemptClass: "resolved",
        detail: `Twilio reported it as ${report["MessageStatus"]}`,
        messageSid: SID,
      });
    },
  );
}

onEachSmsStore(
  "a report on a text that an operator has decided on resolves nothing",
  async (store) => {
    const id = await doubtfulText(store, GIVEN_UP);
    await using world = createTwilioIngressWorld(store);
    const decision = {
      deliveryId: id,
      to: "due",
      attemptJson: "{}",
      draft: null,
      webhooksVersion: 0,
      nowMs: T0,
    } as const;
    await store.resolveDelivery(decision);
    await tell(world, target(id), { MessageStatus: "sent" });
    assert.deepEqual(await smsEvents(world), []);
    assert.equal(await statusOf(store, id), "retrying");
  },
);

onEachSmsStore("of a long text each part has to be proven before the doubt ends", async (store) => {
  const id = await doubtfulText(store, taken(1), GIVEN_UP, GIVEN_UP);
  await using world = createTwilioIngressWorld(store);
  const report = (number: number, MessageStatus: string) =>
    tell(world, target(id, number, 3), { MessageSid: part(number), MessageStatus });
  await report(1, "delivered");
  await report(3, "sent");
  assert.deepEqual(await smsEvents(world), []);
  assert.equal(await statusOf(store, id), "unknown");
  await report(2, "delivered");
  assert.equal(await statusOf(store, id), "delivered");
  await report(3, "delivered");
  const sent = aboutText("sms.sent", 3, null, part(1));
  assert.deepEqual(await smsEvents(world), [
    { ...sent, data: { ...sent.data, messageSids: [1, 2, 3].map(part) } },
    aboutText("sms.delivered", 4, null, part(1)),
  ]);
});

onEachSmsStore("a long text of which a part never left stays unknown", async (store) => {
  const id = await doubtfulText(store, GIVEN_UP, { kind: "waiting" });
  await using world = createTwilioIngressWorld(store);
  await tell(world, target(id, 1, 2), { MessageStatus: "delivered" });
  assert.deepEqual(await smsEvents(world), []);
  assert.equal(await statusOf(store, id), "unknown");
});

for (const when of ["before", "after"] as const) {
  onEachSmsStore(
    `a doubt whose ending broke off ${when} it was written ends with the repeated report`,
    async (store) => {
      const id = await doubtfulText(store, GIVEN_UP);
      let failed = false;
      const breaking: Store["resolveDelivery"] = async (request) => {
        if (failed) return await store.resolveDelivery(request);
        failed = true;
        if (when === "after") await store.resolveDelivery(request);
        throw new StoreUnavailable("resolve");
      };
      await using world = createTwilioIngressWorld({ ...store, resolveDelivery: breaking });
      const refused = await world.post(target(id), statusFields({ MessageStatus: "delivered" }));
      assert.equal(refused.status, 503);
      await refused.body?.cancel();
      await tell(world, target(id), { MessageStatus: "delivered" });
      assert.deepEqual(await smsEvents(world), [
        aboutText("sms.sent", 3, null),
        aboutText("sms.delivered", 4, null),
      ]);
    },
  );
}

onEachSmsStore(
  "a doubt ends although the list of webhooks has changed since it was last read",
  async (store) => {
    const id = await doubtfulText(store, GIVEN_UP);
    await using world = createTwilioIngressWorld(store);
    // Whoever publishes knows the list of webhooks from then on.
    await world.optOuts.noteRefusal({
      customer: CUSTOMER,
      sender: { from: OWN_NUMBER },
      sessionId: null,
      source: "another",
    });
    await store.putWebhook({ id: "wh_1", json: "{}" });
    await tell(world, target(id), { MessageStatus: "sent" });
    assert.equal(await statusOf(store, id), "delivered");
  },
);

onEachSmsStore(
  "OPT-06 21610 in a report closes the number, and both are told once",
  async (store) => {
    const id = await textOnItsWay(store);
    await using world = createTwilioIngressWorld(store);
    const refused = { MessageStatus: "failed", ErrorCode: "21610" };
    await tell(world, target(id), refused);
    await tell(world, target(id), refused);
    assert.equal(await world.optOuts.isOptedOut(CUSTOMER, { from: OWN_NUMBER }), true);
    assert.deepEqual(await smsEvents(world), [
      aboutText("sms.failed", 3, 21610),
      {
        type: "customer.opted_out",
        sequence: 4,
        sessionId: SESSION,
        data: {
          phone: CUSTOMER,
          sender: OWN_NUMBER,
          reason: "rejection",
          messageSid: SID,
          by: null,
        },
      },
    ]);
  },
);

for (const [code, stops] of [["30002", 30002], ["20003", 20003], ["30003", null]] as const) {
  Deno.test(`${code} in a report ${stops ? "stops" : "does not stop"} sending`, async () => {
    const store = openSmsTestStore();
    const id = await textOnItsWay(store);
    await using world = createTwilioIngressWorld(store);
    await tell(world, target(id), { MessageStatus: "failed", ErrorCode: code });
    assert.equal(world.sendingSwitch.stoppedBy(), stops);
  });
}

for (const step of ["readDelivery", "readRecord", "publish"] as const) {
  Deno.test(`while the store fails at ${step} a report is answered 503, for Twilio to repeat`, async () => {
    const store = openSmsTestStore();
    const id = await textOnItsWay(store);
    const fail = () => Promise.reject(new StoreUnavailable(step));
    await using world = createTwilioIngressWorld({ ...store, [step]: fail });
    const answer = await world.post(target(id), statusFields(UNDELIVERED));
    assert.equal(answer.status, 503);
    await answer.body?.cancel();
    assert.equal(world.upstreamSeen.length, 0);
  });
}
