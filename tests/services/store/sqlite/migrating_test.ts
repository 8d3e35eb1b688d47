import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { StoreUnavailable } from "../../../../services/errors.ts";
import type { Store } from "../../../../services/store/port/store.ts";
import { SCHEMA_VERSION } from "../../../../services/store/sqlite/migrating.ts";
import firstSchema from "../../../../services/store/sqlite/schema/0001_first.sql" with {
  type: "text",
};
import { openSqliteStore } from "../../../../services/store/sqlite/store.ts";
import {
  claimDeliveries,
  draft,
  messages,
  POLICY,
  publish,
  settle,
  T0,
} from "../../../support/drafts.ts";

const open = (path: string) => openSqliteStore({ path, sync: "normal", policy: POLICY });

async function inFolder(test: (path: string, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(`${folder}/patchbay.db`, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function withStore(path: string, test: (store: Store) => Promise<void>): Promise<void> {
  const store = open(path);
  try {
    await test(store);
  } finally {
    await store.close();
  }
}

function versionOf(path: string): unknown {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    return db.prepare("PRAGMA user_version").get()?.["user_version"];
  } finally {
    db.close();
  }
}

/** A database as the program wrote it when schema 1 was the last: a session at work, its texts queued, one attempt made. */
function writeSchema1(path: string): void {
  const db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode = WAL; PRAGMA secure_delete = ON");
  db.exec(firstSchema);
  db.exec("PRAGMA user_version = 1");
  const agents = JSON.stringify([{ agentId: "a", nickname: "Ann" }]);
  const day = 86_400_000;
  db.exec(`
    INSERT INTO sessions VALUES
      ('S1', 'a', '${agents}', 'Chatting', ${T0}, ${T0}, ${T0 + 5}, ${T0 + 9}, ${T0 + day}),
      ('S2', 'a', '${agents}', 'Chatting', ${T0}, ${T0}, ${T0}, 0, ${T0 + day});
    INSERT INTO claims VALUES ('S9', 'b', 'token', ${T0 + 60_000});
    INSERT INTO session_memory VALUES
      ('S1', 7, 'hash', ${T0}, '+1 (415) 555-0199', 'sms:+15550002222', 1, ${T0 + 9 * day}),
      ('S2', 1, NULL, 0, NULL, NULL, 0, ${T0 + 9 * day});
    INSERT INTO seen_messages VALUES ('S1', 1), ('S1', 2), ('S1', 4);
    INSERT INTO events VALUES
      ('evt_1', 'session.messages_added', 'S1', 7, 'a', ${T0}, '{"n":1.0}');
    INSERT INTO deliveries VALUES
      ('dlv_1_sms4', 'evt_1', 'session.messages_added', 'sms', 'S1', 4, 'sms:S1', 114688,
        'retrying', 3, 1, NULL, 0, ${T0}, ${T0}, ${T0 + 1}),
      ('dlv_1_w1', 'evt_1', 'session.messages_added', 'wh_w1', 'S1', NULL, 'wh_w1:S1', 114688,
        'dead', 1, 0, NULL, 0, ${T0}, ${T0}, NULL);
    INSERT INTO lanes VALUES ('sms:S1', 'sms', ${T0 + 1});
    INSERT INTO attempts VALUES ('dlv_1_sms4', 1, '{"n":1}'), ('dlv_1_sms4', 3, '{"n":3}');
    INSERT INTO sink_health VALUES ('sms', 2, ${T0});
    INSERT INTO buckets VALUES ('sms', 0.0, ${T0});
    INSERT INTO webhooks VALUES ('wh_w1', '{"url":"x"}');
    UPDATE counters SET value = 42;`);
  db.close();
}

Deno.test("a database of schema 1 opens with all that is in it", async () => {
  await inFolder(async (path) => {
    writeSchema1(path);
    await withStore(path, async (store) => {
      assert.deepEqual(await store.readSession("S1", { nowMs: T0, slide: false }), {
        id: "S1",
        agentId: "a",
        nickname: "Ann",
        participants: [],
        state: "Chatting",
        acceptedAtMs: T0,
        acceptedUpstreamMs: T0,
        updatedAtMs: T0 + 5,
        seatsUntilMs: [T0 + 9],
        sequence: 7,
        customer: { phone: "+1 (415) 555-0199", sender: "sms:+15550002222" },
      });
      const claim = { agentId: "c", token: "t", nowMs: T0, untilMs: T0 + 1 };
      assert.deepEqual(await store.claimSession({ ...claim, sessionId: "S9" }), {
        outcome: "held",
      });
      assert.equal((await store.readEvent("evt_1"))?.dataJson, '{"n":1.0}');
      const history = await store.readDelivery("dlv_1_sms4");
      assert.deepEqual(
        [history?.delivery.status, history?.attemptsJson, history?.progressJson],
        ["retrying", ['{"n":1}', '{"n":3}'], null],
      );
      assert.deepEqual(await store.listWebhooks(), {
        version: 42,
        webhooks: [{ id: "wh_w1", json: '{"url":"x"}' }],
      });
    });
    assert.equal(versionOf(path), SCHEMA_VERSION);
  });
});

Deno.test("a database of schema 1 goes on where it was, with what schema 2 brought", async () => {
  await inFolder(async (path) => {
    writeSchema1(path);
    await withStore(path, async (store) => {
      assert.equal(
        await store.findCustomerSession({
          customerDigits: ["14155550199"],
          senderDigits: ["15550002222"],
          nowMs: T0,
        }),
        "S1",
      );
      assert.deepEqual(await store.firstUnseenMessage(["S1", "S2"]), [3, 1]);
      const rates = { sms: { perSecond: 1, burst: 1 } };
      const empty = await claimDeliveries(store, T0 + 1, { rates });
      assert.deepEqual([empty.deliveries, empty.nextDueAtMs], [[], T0 + 1_000]);
      const [delivery] = (await claimDeliveries(store, T0 + 1_000, { rates })).deliveries;
      assert(delivery);
      assert.deepEqual([delivery.attempt, delivery.progressJson], [3, null]);
      assert.equal(
        await store.noteProgress({
          deliveryId: delivery.id,
          leaseToken: delivery.leaseToken,
          progressJson: "{}",
          nowMs: T0,
        }),
        true,
      );
      await settle(store, delivery, { status: "delivered" }, T0 + 1_001);
      const history = await store.readDelivery(delivery.id);
      assert.deepEqual(history?.attemptsJson, ['{"n":1}', '{"n":3}', '{"class":"ok"}']);
      const [next] = await publish(store, [draft()]);
      assert.equal(next?.sequence, 8);
      const record = { kind: "opt-out", key: "k", text: "x", untilMs: null, nowMs: T0 } as const;
      assert.equal((await store.writeRecord(record)).written, true);
      // A text of the mapping's time that comes in after its release.
      const effect = { kind: "end" } as const;
      await store.applyEffect(
        { sessionId: "S1", agentId: "a", nowMs: T0 + 2_000, effect },
        null,
        0,
      );
      const smsMessages = [{ index: 9, sentAtMs: T0 + 1_000 }];
      const [late] = await publish(
        store,
        [draft({ data: messages([9]), smsMessages })],
        T0 + 3_000,
      );
      assert.equal(late?.deliveries, 1);
    });
    // Opening once more applies nothing again.
    await withStore(path, async (store) => {
      assert.equal(await store.readRecord({ kind: "opt-out", key: "k" }, T0), "x");
    });
  });
});

Deno.test("several that open a database of schema 1 at once bring it up to date once", async () => {
  await inFolder(async (path) => {
    writeSchema1(path);
    const program = `import { openSqliteStore } from ${
      JSON.stringify(import.meta.resolve("../../../../services/store/sqlite/store.ts"))
    };
      const [path, policy] = JSON.parse(Deno.args[0]);
      const store = openSqliteStore({ path, sync: "normal", policy });
      await store.ping();
      await store.close();`;
    const args = ["eval", "--ext=ts", program, JSON.stringify([path, POLICY])];
    const outputs = await Promise.all(
      Array.from({ length: 3 }, () => new Deno.Command(Deno.execPath(), { args }).output()),
    );
    for (const { success, stderr } of outputs) {
      assert(success, new TextDecoder().decode(stderr));
    }
    assert.equal(versionOf(path), SCHEMA_VERSION);
    await withStore(path, async (store) => {
      assert.equal((await store.readEvent("evt_1"))?.sequence, 7);
    });
  });
});

Deno.test("a migration that fails leaves the database at the schema before, whole", async () => {
  await inFolder(async (path) => {
    writeSchema1(path);
    const db = new DatabaseSync(path);
    // In the way of the last statement of schema 2.
    db.exec("CREATE INDEX session_memory_by_customer ON buckets (tokens)");
    db.close();
    assert.throws(() => open(path), StoreUnavailable);
    assert.equal(versionOf(path), 1);
    const after = new DatabaseSync(path);
    const tables = after.prepare("SELECT name FROM sqlite_schema WHERE name = 'records'").all();
    assert.deepEqual(tables, []);
    after.exec("DROP INDEX session_memory_by_customer");
    after.close();
    await withStore(path, async (store) => {
      assert.equal((await store.readEvent("evt_1"))?.sequence, 7);
    });
  });
});

async function filesOf(path: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const suffix of ["", "-wal"]) {
    const bytes = await Deno.readFile(path + suffix).catch(() => new Uint8Array());
    files[suffix] = createHash("sha256").update(bytes).digest("hex");
  }
  return files;
}

const NEWER: Readonly<Record<string, string>> = {
  "with a rollback journal": "DELETE",
  "with a write-ahead log": "WAL",
};

for (const [title, mode] of Object.entries(NEWER)) {
  Deno.test(`a database of a newer program, ${title}, is refused in words and not touched`, async () => {
    await inFolder(async (path) => {
      const newer = new DatabaseSync(path);
      newer.exec(`PRAGMA journal_mode = ${mode}; CREATE TABLE t (x); PRAGMA user_version = 99`);
      newer.close();
      const before = await filesOf(path);
      assert.throws(() => open(path), newerRefused);
      assert.deepEqual(await filesOf(path), before);
    });
  });
}

Deno.test("a database whose newer schema is in the log still, as a killed program leaves it, is not touched", async () => {
  await inFolder(async (path, folder) => {
    const alive = new DatabaseSync(path);
    alive.exec("PRAGMA journal_mode = WAL; CREATE TABLE t (x); PRAGMA user_version = 99");
    const left = `${folder}/left.db`;
    for (const suffix of ["", "-wal"]) await Deno.copyFile(path + suffix, left + suffix);
    alive.close();
    const before = await filesOf(left);
    assert.throws(() => open(left), newerRefused);
    assert.deepEqual(await filesOf(left), before);
  });
});

function newerRefused(error: unknown): boolean {
  assert(error instanceof StoreUnavailable && error.cause instanceof Error);
  assert.equal(
    error.cause.message,
    `Cannot use a database of schema 99, which a newer Patchbay wrote: expected at most ${SCHEMA_VERSION}`,
  );
  return true;
}

/** By number: what a migration was when it was released. A change of schema is a further file. */
const RELEASED = ["c8532cd1c2bf86c8f129f84c8fe865bd7fddde2973c86bcbcd024a5780a3c655"];

Deno.test("migrations that were released are as they were", () => {
  const hashes = [firstSchema].map((text) => createHash("sha256").update(text).digest("hex"));
  assert.deepEqual(hashes, RELEASED);
});
