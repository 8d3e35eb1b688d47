import assert from "node:assert/strict";
import type { RecordKind, RecordWrite } from "../../../../services/store/port/records.ts";
import type { Store } from "../../../../services/store/port/store.ts";
import { claimDeliveries, nothingClaimed, T0 } from "../../../support/drafts.ts";
import type { ContractTest } from "./contract.ts";

const HOUR = 3_600_000;

/** Small texts under names, each changed in one atomic step. */
export function recordContract(test: ContractTest): void {
  const name = { kind: "subscription", key: "a" } as const;
  const write = (store: Store, change: Partial<RecordWrite>) =>
    store.writeRecord({ ...name, text: "x", untilMs: null, nowMs: T0, ...change });
  const keys = async (store: Store, kind: RecordKind = "subscription", nowMs = T0) =>
    (await store.listRecords({ kind, nowMs, limit: 99 })).items.map(({ key }) => key);

  test("a record reads as it was written, until it is removed", async (store) => {
    assert.equal(await store.readRecord(name, T0), null);
    assert.deepEqual(await write(store, { text: "one" }), { written: true, text: "one" });
    assert.deepEqual(await write(store, { text: "two" }), { written: true, text: "two" });
    assert.equal(await store.readRecord(name, T0 + 999 * HOUR), "two");
    assert.deepEqual(await write(store, { text: null }), { written: true, text: null });
    assert.equal(await store.readRecord(name, T0), null);
    assert.deepEqual(await write(store, { text: null }), { written: true, text: null });
  });

  test("a record past its time reads as absent, is not listed and can be made anew", async (store) => {
    await write(store, { untilMs: T0 + HOUR });
    assert.equal(await store.readRecord(name, T0 + HOUR - 1), "x");
    assert.deepEqual(await keys(store, "subscription", T0 + HOUR - 1), ["a"]);
    const nowMs = T0 + HOUR;
    assert.equal(await store.readRecord(name, nowMs), null);
    assert.deepEqual(await keys(store, "subscription", nowMs), []);
    const anew = { expected: null, text: "y", untilMs: nowMs + 1, nowMs };
    assert.deepEqual(await write(store, anew), { written: true, text: "y" });
    assert.deepEqual(await keys(store, "subscription", nowMs), ["a"]);
  });

  test("writing again gives a record another time, or none", async (store) => {
    await write(store, { untilMs: T0 + HOUR });
    await write(store, { untilMs: T0 + 3 * HOUR });
    assert.equal(await store.readRecord(name, T0 + 2 * HOUR), "x");
    await write(store, { untilMs: null });
    assert.equal(await store.readRecord(name, T0 + 9 * HOUR), "x");
    await write(store, { untilMs: T0 });
    assert.equal(await store.readRecord(name, T0), null);
  });

  test("writeRecord() changes only what it expects, and tells what is there", async (store) => {
    assert.deepEqual(await write(store, { expected: "x" }), { written: false, text: null });
    assert.deepEqual(await write(store, { expected: null, text: "1" }), {
      written: true,
      text: "1",
    });
    assert.deepEqual(await write(store, { expected: null, text: "2" }), {
      written: false,
      text: "1",
    });
    assert.deepEqual(await write(store, { expected: "0", text: null }), {
      written: false,
      text: "1",
    });
    assert.deepEqual(await write(store, { expected: "1", text: "3" }), {
      written: true,
      text: "3",
    });
    assert.deepEqual(await write(store, { expected: "3", text: null }), {
      written: true,
      text: null,
    });
  });

  test("the empty text is something, not nothing", async (store) => {
    assert.deepEqual(await write(store, { text: "" }), { written: true, text: "" });
    assert.equal(await store.readRecord(name, T0), "");
    assert.deepEqual(await write(store, { expected: null }), { written: false, text: "" });
    assert.deepEqual(await write(store, { expected: "" }), { written: true, text: "x" });
  });

  test("of many who write a record at once, expecting none, one wins", async (store) => {
    const writes = await Promise.all(
      Array.from(
        { length: 20 },
        (_, n) => write(store, { expected: null, text: `${n}`, near: "S1" }),
      ),
    );
    const winners = writes.filter(({ written }) => written);
    assert.equal(winners.length, 1);
    assert(writes.every(({ text }) => text === winners[0]?.text));
  });

  test("kind, key and session together are a record's name", async (store) => {
    const names = [
      { kind: "subscription", key: "a" },
      { kind: "instance", key: "a" },
      { kind: "subscription", key: "a", near: "a" },
      { kind: "subscription", key: "a:1" },
      { kind: "subscription", key: "1:a:1", near: "a" },
      { kind: "subscription", key: "a", near: "a:1" },
      { kind: "subscription", key: "1", near: "a" },
      { kind: "subscription", key: "1", near: "a:1:subscription" },
    ] as const;
    for (const [at, each] of names.entries()) await write(store, { ...each, text: `${at}` });
    for (const [at, each] of names.entries()) {
      assert.equal(await store.readRecord(each, T0), `${at}`, JSON.stringify(each));
    }
    assert.deepEqual(await keys(store), ["a", "a:1"]);
    assert.deepEqual(await keys(store, "instance"), ["a"]);
    assert.deepEqual(await keys(store, "opt-out"), []);
  });

  test("texts and keys come back to the letter", async (store) => {
    const texts = ["007", "true", "null", '{"n":1.0,"s":"\\ud83d"}', "Zoë 🛎️ \u0000 :\n", " x "];
    const strange = [...texts, "k".repeat(512)].toSorted();
    for (const key of strange) await write(store, { key, text: key, expected: null });
    for (const key of strange) {
      assert.equal(await store.readRecord({ ...name, key }, T0), key);
      assert.equal((await write(store, { key, text: key, expected: key })).written, true);
    }
    const { items } = await store.listRecords({ kind: "subscription", nowMs: T0, limit: 99 });
    assert.deepEqual(items.map(({ key }) => key).toSorted(), strange);
    assert(items.every(({ key, text }) => key === text));
  });

  test("listRecords() pages by key, without those near a session and those past their time", async (store) => {
    const order = ["a", "b", "c", "d", "e", "\uffff", "🛎️"];
    for (const key of order.toReversed()) await write(store, { key, text: `of ${key}` });
    for (const key of ["a1", "c1", "f"]) await write(store, { key, untilMs: T0 + 1 });
    for (const key of ["a", "b2"]) await write(store, { key, near: "S1" });
    const nowMs = T0 + 1;
    const found: { readonly key: string; readonly text: string }[] = [];
    let cursor: string | null = "";
    let pages = 0;
    while (cursor !== null) {
      const page = await store.listRecords({
        kind: "subscription",
        nowMs,
        limit: 2,
        ...(cursor === "" ? {} : { cursor }),
      });
      found.push(...page.items);
      cursor = page.nextCursor;
      pages++;
    }
    assert.deepEqual(found, order.map((key) => ({ key, text: `of ${key}` })));
    assert.equal(pages, 4);
  });

  test("the sweep drops records past their time, bounded, and no others", async (store) => {
    await write(store, { key: "keeps" });
    await write(store, { key: "later", untilMs: T0 + 3 * HOUR });
    const many = Array.from({ length: 1_800 }, (_, n) => `m${n}`);
    for (let at = 0; at < many.length; at += 100) {
      await Promise.all(
        many.slice(at, at + 100).map((key) => write(store, { key, untilMs: T0 + HOUR })),
      );
    }
    await write(store, { key: "m7", untilMs: null });
    const nowMs = T0 + 2 * HOUR;
    let sweeps = 0;
    let sweptAll = false;
    while (!sweptAll && sweeps < 50) {
      const batch = await claimDeliveries(store, nowMs, { sweep: true });
      sweptAll = batch.sweptAll;
      sweeps++;
    }
    assert(sweptAll && sweeps > 1, `swept in ${sweeps}`);
    // Back in time nothing of them shows: they are gone, not only past their time.
    assert.deepEqual(await keys(store), ["keeps", "later", "m7"]);
    assert.equal(await store.readRecord({ ...name, key: "m8" }, T0), null);
    assert.equal(await store.readRecord({ ...name, key: "m7" }, nowMs), "x");
    assert.deepEqual(await claimDeliveries(store, nowMs, { sweep: true }), nothingClaimed());
  });
}
