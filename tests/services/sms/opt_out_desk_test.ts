import assert from "node:assert/strict";
import { StoreUnavailable } from "../../../services/errors.ts";
import { createSealer } from "../../../services/sealing/secrets.ts";
import { createOptOutDesk } from "../../../services/sms/opt_out_desk.ts";
import { createOptOutRecords } from "../../../services/sms/opt_out_records.ts";
import { createPublisher } from "../../../services/events/publisher.ts";
import type { Store } from "../../../services/store/port/store.ts";
import { createIds } from "../../../services/support/ids.ts";
import { createWebhookAudience } from "../../../services/webhooks/audience.ts";
import { createMemoryLog } from "../../support/memory_log.ts";
import { onEachSmsStore, openSmsTestStore } from "../../support/sms_test_store.ts";
import { createVirtualClock } from "../../support/virtual_clock.ts";

const PHONE = "+16502530001";
const RETENTION_MS = 3_600_000;
const ADA = { phone: PHONE, agentId: "ada", reason: "asked on the phone" };

function deskOver(store: Store, publish: Store["publish"] = store.publish) {
  const clock = createVirtualClock();
  const log = createMemoryLog();
  const ids = createIds();
  const desk = createOptOutDesk({
    ledger: createOptOutRecords({ records: store, clock }),
    publisher: createPublisher({
      store: { ...store, publish },
      audience: createWebhookAudience({ registry: store, log }),
      textsAmong: () => [],
      clock,
      ids,
      onPublished: () => {},
    }),
    sealer: createSealer(new Uint8Array(32)),
    ids,
    clock,
    log,
    eventRetentionMs: RETENTION_MS,
  });
  const types = async () =>
    (await store.listEvents({ limit: 200 })).items.map(({ type }) => type.replace("customer.", ""));
  return { desk, clock, log, types };
}

onEachSmsStore(
  "what a person wrote and nobody was told of is told when the person asks again, once",
  async (store) => {
    let dies = true;
    const { desk, types, clock } = deskOver(store, async (request) => {
      if (!dies) return await store.publish(request);
      dies = false;
      throw new StoreUnavailable("publish");
    });
    await assert.rejects(desk.close(ADA), /publish/);
    assert.equal((await desk.find(PHONE)).length, 1, "it holds all the same");
    assert.deepEqual(await types(), []);
    clock.advance(1_000);
    for (let i = 0; i < 3; i++) await desk.close(ADA);
    assert.deepEqual(await types(), ["opted_out"]);
    dies = true;
    await assert.rejects(desk.open(ADA), /publish/);
    for (let i = 0; i < 3; i++) await desk.open(ADA);
    assert.deepEqual(await types(), ["opted_out", "opted_in"]);
    await store.close();
  },
);

Deno.test("a copy that comes when the event has left the store is told to nobody", async () => {
  const store = openSmsTestStore({ sessionTtlMs: RETENTION_MS, eventRetentionMs: RETENTION_MS });
  let published = 0;
  const { desk, clock } = deskOver(store, async (request) => {
    published += request.drafts.length;
    return await store.publish(request);
  });
  await desk.close(ADA);
  clock.advance(RETENTION_MS);
  await desk.close(ADA);
  assert.equal(published, 1);
  await store.close();
});

onEachSmsStore("people side by side end in one state, told in turn", async (store) => {
  const { desk, types } = deskOver(store);
  await Promise.all(
    Array.from({ length: 12 }, (_, at) => {
      const word = { ...ADA, agentId: `agent-${at}` };
      return at % 2 === 0 ? desk.close(word) : desk.open(word);
    }),
  );
  const told = await types();
  const outs = told.filter((type) => type === "opted_out").length;
  assert.equal(outs - (told.length - outs), (await desk.find(PHONE)).length);
  await store.close();
});

Deno.test("a second person who says the same changes nothing; the log shows no number", async () => {
  const store = openSmsTestStore();
  const { desk, types, log } = deskOver(store);
  const first = await desk.close(ADA);
  assert.deepEqual(await desk.close({ ...ADA, agentId: "bob", reason: null }), first);
  assert.deepEqual(await types(), ["opted_out"]);
  assert.equal(first.phone, "…0001");
  assert.ok(!JSON.stringify(log.entries).includes(PHONE.slice(1)));
  await store.close();
});
