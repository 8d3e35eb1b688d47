import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { StoreUnavailable } from "../../../../services/errors.ts";
import { openSqliteStore } from "../../../../services/store/sqlite/store.ts";
import { POLICY } from "../../../support/drafts.ts";

/** A store in a file, and another connection to that file, as another process would have. */
async function withRival(
  test: (store: ReturnType<typeof openSqliteStore>, rival: DatabaseSync) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/patchbay.db`;
  const store = openSqliteStore({ path, sync: "normal", policy: POLICY });
  const rival = new DatabaseSync(path);
  try {
    await test(store, rival);
  } finally {
    rival.close();
    await store.close();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a write waits for another process's transaction, and lets others be served meanwhile", async () => {
  await withRival(async (store, rival) => {
    rival.exec("BEGIN IMMEDIATE");
    const put = store.putWebhook({ id: "wh_1", json: "{}" });
    // A timer fires only while the thread is free.
    await new Promise((resolve) => setTimeout(resolve, 0));
    rival.exec("COMMIT");
    await put;
    assert.equal((await store.listWebhooks()).webhooks.length, 1);
  });
});

Deno.test("many writes are refused within 2 s together while another process keeps the database", async () => {
  await withRival(async (store, rival) => {
    rival.exec("BEGIN IMMEDIATE");
    const startedAt = performance.now();
    const puts = Array.from(
      { length: 8 },
      (_, n) => store.putWebhook({ id: `wh_${n}`, json: "{}" }),
    );
    for (const put of puts) await assert.rejects(put, StoreUnavailable);
    assert(performance.now() - startedAt < 2_000);
    rival.exec("ROLLBACK");
  });
});
