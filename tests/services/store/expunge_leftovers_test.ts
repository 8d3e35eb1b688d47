import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Store } from "../../../services/store/port/store.ts";
import { openRedisStore } from "../../../services/store/redis/store.ts";
import { openSqliteStore } from "../../../services/store/sqlite/store.ts";
import { dumpRedis } from "../../support/redis_dump.ts";
import { createPatientTransport } from "../../support/patient_transport.ts";
import { startRedisServer } from "../../../simulator/kit/redis_server.ts";
import { redisTest } from "../../support/needs_redis.ts";
import { readSqliteFiles } from "../../support/sqlite_files.ts";
import {
  accept,
  claimDeliveries,
  draft,
  POLICY,
  publish,
  T0,
  webhook,
} from "../../support/drafts.ts";

/** What a customer of the session to be expunged wrote, and where it appears nowhere else. */
const SECRET_TEXT = "zebra-7f3a1c";
const SECRET_PHONE = "4155550199";
const SECRETS = [SECRET_TEXT, SECRET_PHONE];
/** The same of a session that stays: finding it shows that the search would find the other. */
const OTHER_TEXT = "gnu-90bd22";

const LONG = "x".repeat(20_000);

/** Everything that a store can keep of a session: events, deliveries in every state, attempts, the customer. */
async function live(store: Store, sessionId: string, text: string, phone: string): Promise<void> {
  await accept(store, sessionId, "agent-1");
  const observed = { state: "Chatting", phone, sender: "15550002222" };
  const webhooks = ["wh_1", "wh_2", "wh_3", "wh_4"].map((id) => webhook(id));
  const own = (members: object) => ({ kind: "object" as const, json: JSON.stringify(members) });
  await publish(store, [
    draft({
      sessionId,
      webhooks,
      observed,
      stateHash: text,
      data: own({ notification: { text, phone } }),
    }),
    // Longer than a page of SQLite, with the secret behind it.
    draft({
      sessionId,
      webhooks,
      data: own({ pad: LONG, text, phone }),
    }),
    draft({
      sessionId,
      webhooks: [webhook("wh_5", { held: true })],
      smsMessages: [{ index: 3, sentAtMs: T0 + 1_000 }],
      data: {
        kind: "messages",
        before: `{"notification":{"phone":"${phone}","messages":`,
        messages: [{ index: 3, json: JSON.stringify({ index: 3, type: "Text", text }) }],
        after: "}}",
      },
    }),
    draft({ sessionId, webhooks, data: own({ notification: { text } }) }),
  ]);
  await store.setCustomer({ sessionId, customer: { phone, sender: null }, nowMs: T0 });
  await attemptAll(store, text);
}

/** One attempt of each lane: delivered, dead, to be retried, and one left in flight. */
async function attemptAll(store: Store, text: string): Promise<void> {
  const { deliveries } = await claimDeliveries(store, T0);
  const { version } = await store.listWebhooks();
  const nexts = [
    { status: "delivered" },
    { status: "dead" },
    { status: "retrying", atMs: T0 + 60_000 },
  ] as const;
  await store.settleDeliveries({
    settlements: nexts.flatMap((next, at) => {
      const delivery = deliveries[at];
      if (delivery === undefined) return [];
      return [{
        deliveryId: delivery.id,
        leaseToken: delivery.leaseToken,
        nowMs: T0,
        attemptJson: JSON.stringify({
          class: "http-error",
          status: 500,
          responseExcerpt: `${text} ${delivery.event.dataJson}`.slice(0, 4_096),
        }),
        next,
        health: null,
        drafts: [],
      }];
    }),
    webhooksVersion: version,
  });
}

/** Whether the customer's number still leads to the session. */
async function isFound(store: Store): Promise<boolean> {
  const request = { customerDigits: [SECRET_PHONE], senderDigits: ["15550002222"], nowMs: T0 };
  return await store.findCustomerSession(request) === "S1";
}

/** What of the texts is in there. */
function foundIn(bytes: Uint8Array, texts: readonly string[]): string[] {
  const buffer = Buffer.from(bytes);
  return texts.filter((text) => buffer.includes(text));
}

const all = (files: Map<string, Uint8Array>) => Buffer.concat([...files.values()]);

Deno.test("an expunged session leaves nothing in the files of SQLite, its log included", async () => {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/patchbay.db`;
  const open = () => openSqliteStore({ path, sync: "normal", policy: POLICY });
  try {
    // Closing writes the log back, so that the secrets are in the database itself and, by what follows, in the log.
    const before = open();
    await live(before, "S1", SECRET_TEXT, SECRET_PHONE);
    await before.close();
    const store = open();
    const otherProcess = open();
    await attemptAll(store, SECRET_TEXT);
    await live(store, "S2", OTHER_TEXT, "15550003333");
    const filesBefore = await readSqliteFiles(path);
    for (const file of ["db", "db-wal"]) {
      assert.deepEqual(foundIn(filesBefore.get(file) ?? new Uint8Array(), SECRETS), SECRETS, file);
    }

    assert(await isFound(store));
    assert.equal(await store.expungeSession("S1"), 5);
    assert(!await isFound(store));

    const files = await readSqliteFiles(path);
    for (const [name, bytes] of files) assert.deepEqual(foundIn(bytes, SECRETS), [], name);
    assert.deepEqual(foundIn(all(files), [OTHER_TEXT]), [OTHER_TEXT]);
    await otherProcess.close();
    await store.close();
    assert.deepEqual(foundIn(all(await readSqliteFiles(path)), SECRETS), []);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

redisTest("an expunged session leaves nothing in any key of Redis", async () => {
  await using redis = await startRedisServer();
  const transport = createPatientTransport(redis.url);
  const store = openRedisStore({ transport, shards: 2, policy: POLICY });
  try {
    await live(store, "S1", SECRET_TEXT, SECRET_PHONE);
    await live(store, "S2", OTHER_TEXT, "15550003333");
    const before = Buffer.from(await dumpRedis(redis));
    assert.deepEqual(foundIn(before, SECRETS), SECRETS);

    assert(await isFound(store));
    assert.equal(await store.expungeSession("S1"), 5);
    assert(!await isFound(store));

    const after = Buffer.from(await dumpRedis(redis));
    assert.deepEqual(foundIn(after, SECRETS), []);
    assert.deepEqual(foundIn(after, [OTHER_TEXT, "15550003333"]), [OTHER_TEXT, "15550003333"]);
  } finally {
    await store.close();
  }
});
