import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { type BytesEach, gigabytes, LOADS } from "../../bench/scale/capacity.ts";
import { SMS_SINK } from "../../services/store/port/deliveries.ts";
import type { RecordKind } from "../../services/store/port/records.ts";
import type { Store } from "../../services/store/port/store.ts";
import { openRedisStore } from "../../services/store/redis/store.ts";
import { openSqliteStore } from "../../services/store/sqlite/store.ts";
import {
  accept,
  claimDeliveries,
  draft,
  messages,
  POLICY,
  publish,
  settleAs,
  webhook,
} from "../support/drafts.ts";
import { type RedisKey, redisKeys } from "../support/redis_dump.ts";
import { createPatientTransport } from "../support/patient_transport.ts";
import { startRedisServer } from "../../simulator/kit/redis_server.ts";
import { redisTest } from "../support/needs_redis.ts";

const doc = await Deno.readTextFile(new URL("../../docs/store.md", import.meta.url));

/** The rows of the table whose first column has this heading, each as its cells. */
function tableOf(heading: string): string[][] {
  const lines = doc.split("\n");
  const first = lines.findIndex((line) => line.startsWith(`| ${heading} `));
  assert.notEqual(first, -1, `no table begins with ${heading}`);
  const rows = lines.slice(first + 2);
  return rows.slice(0, rows.findIndex((line) => !line.startsWith("|")))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
}

const unquoted = (cell: string | undefined) => (cell ?? "").replaceAll("`", "");

interface DocumentedKey {
  readonly name: string;
  readonly type: string;
  readonly goes: string;
  readonly matches: RegExp;
}

/** Those with most words of their own first: `bucket:named:…` is no `bucket:<sink>`. */
const documentedKeys: readonly DocumentedKey[] = tableOf("key")
  .map(([key, type = "", goes = ""]) => {
    const name = unquoted(key);
    const pattern = name.replace(/<\w+>$/, ".+").replaceAll(/<\w+>/g, "[^:]+");
    return { name, type, goes, matches: new RegExp(`^pb:\\{\\d+\\}:${pattern}$`) };
  })
  .sort((a, b) => ownWords(b.name) - ownWords(a.name));

function ownWords(name: string): number {
  return name.replaceAll(/<\w+>/g, "").length;
}

/** Everything that Patchbay keeps, and in the state in which it keeps most. */
async function liveThrough(store: Store): Promise<void> {
  const nowMs = Date.now();
  await store.agree({ shards: 2, keyIds: ["aaaa0000"] });
  await store.putWebhook({ id: "wh_1", json: "{}" });
  await accept(store, "S1", "agent-1", { nowMs });
  const claim = { agentId: "agent-2", token: "t", nowMs, untilMs: nowMs + 60_000 };
  await store.claimSession({ ...claim, sessionId: "S2" });
  await store.setCustomer({
    sessionId: "S1",
    customer: { phone: "+14155550199", sender: null },
    nowMs,
  });
  const event = (change: Parameters<typeof draft>[0]) => draft({ occurredAtMs: nowMs, ...change });
  await publish(store, [
    event({ webhooks: [webhook("wh_1"), webhook("wh_2", { ordered: false })] }),
    event({ data: messages([1, 2]), webhooks: [webhook("wh_1")] }),
  ], nowMs);
  const { deliveries } = await claimDeliveries(store, nowMs, {
    limit: 1,
    capacity: { wh_2: 0 },
    rates: { wh_1: { perSecond: 1, burst: 2 } },
  });
  const [first] = deliveries;
  assert(first !== undefined);
  await settleAs(store, first, "failure", nowMs);
  await claimDeliveries(store, nowMs + 2_000, { limit: 1, capacity: { wh_2: 0 } });
  await store.revokeToken({ tokenId: "t", untilMs: nowMs + 60_000, nowMs });
  await store.takeTokens({ bucket: "sms:+15550002222", tokens: 1, perSecond: 1, burst: 5, nowMs });
  const record = { kind: "idempotency", text: "x", nowMs, untilMs: nowMs + 60_000 } as const;
  await store.writeRecord({ ...record, key: "k1" });
  await accept(store, "S3", "agent-3", { nowMs });
  const leave = { sessionId: "S3", agentId: "agent-3", nowMs, effect: { kind: "leave" } } as const;
  await store.applyEffect(leave, null, 0);
  await store.writeRecord({ ...record, key: "k1", near: "S1" });
  await publish(store, [
    event({ data: messages([3]), smsMessages: [{ index: 3, sentAtMs: nowMs }] }),
  ], nowMs);
  const text = (await store.listDeliveries({ limit: 9, sinkId: SMS_SINK })).items[0];
  assert(text !== undefined);
  await store.writeRecord({
    kind: "sms-status",
    key: text.id,
    near: "S1",
    text: "{}",
    untilMs: nowMs + 60_000,
    outcome: { kind: "undelivered" },
    nowMs,
  });
}

redisTest(
  "docs/store.md lists every key that Redis holds, with its type and whether it goes by itself, and no other",
  async () => {
    await using redis = await startRedisServer();
    const transport = createPatientTransport(redis.url);
    const store = openRedisStore({ transport, shards: 2, policy: POLICY });
    try {
      await liveThrough(store);
      const seen = new Set<string>();
      for (const key of await redisKeys(redis)) {
        const documented = documentedKeys.find(({ matches }) => matches.test(key.key));
        assert(documented !== undefined, `${key.key} is not documented`);
        assertAsDocumented(key, documented);
        seen.add(documented.name);
      }
      const unseen = documentedKeys.map(({ name }) => name).filter((name) => !seen.has(name));
      assert.deepEqual(unseen, []);
    } finally {
      await store.close();
    }
  },
);

function assertAsDocumented({ key, type, ttlMs }: RedisKey, documented: DocumentedKey): void {
  assert.equal(type, documented.type, `the type of ${key}`);
  if (documented.goes === "by kind") return;
  assert.equal(ttlMs === null, documented.goes === "–", `${key}: goes after ${ttlMs} ms`);
}

Deno.test("docs/store.md lists every table of SQLite and no other", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/patchbay.db`;
    await openSqliteStore({ path, sync: "normal", policy: POLICY }).close();
    const db = new DatabaseSync(path);
    // SQLite's own are its business: https://www.sqlite.org/fileformat2.html#intschema
    const tables = db.prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    ).all();
    db.close();
    assert.deepEqual(
      tableOf("table").map(([name]) => unquoted(name)).sort(),
      tables.map(({ name }) => String(name)).sort(),
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

const KINDS: Readonly<Record<RecordKind, true>> = {
  idempotency: true,
  credentials: true,
  subscription: true,
  doubt: true,
  instance: true,
  "inbound-sms": true,
  "sms-status": true,
  "opt-out": true,
  charter: true,
};

Deno.test("docs/store.md lists every kind of record", () => {
  const documented = tableOf("kind").map(([kind]) => unquoted(kind));
  assert.deepEqual(documented.sort(), Object.keys(KINDS).sort());
});

Deno.test("docs/store.md's capacities follow from its bytes", () => {
  const bytes = tableOf("bytes of one").map((cells) => cells.slice(1).map(numberIn));
  const eachOf = (column: number): BytesEach => {
    const [session = 0, event = 0, pending = 0, delivered = 0, webhook = 0] = bytes.map((row) =>
      row[column] ?? 0
    );
    return { session, event, pending, delivered, webhook };
  };
  const rows = tableOf("sessions a day");
  assert.equal(rows.length, LOADS.length);
  LOADS.forEach((load, at) => {
    const told = rows[at]?.map(numberIn);
    const sizes = [0, 1].map((column) => Number(gigabytes(eachOf(column), load).toPrecision(2)));
    const { sessionsPerDay, eventsPerSession, webhooks, retentionDays } = load;
    assert.deepEqual(told, [sessionsPerDay, eventsPerSession, webhooks, retentionDays, ...sizes]);
  });
});

function numberIn(cell: string): number {
  return Number(cell.replace(/ GB$/, "").replaceAll(",", ""));
}
