import assert from "node:assert/strict";
import type { Store } from "../../../../services/store/port/store.ts";
import { claimDeliveries, T0 } from "../../../support/drafts.ts";
import type { ContractTest } from "./contract.ts";

const HOUR = 3_600_000;

/** The list of revoked tokens, read on from where it ended. */
export function revocationContract(test: ContractTest): void {
  const revoke = (store: Store, tokenId: string, untilMs = T0 + HOUR, nowMs = T0) =>
    store.revokeToken({ tokenId, untilMs, nowMs });
  const list = (store: Store, after = 0, { limit = 99, nowMs = T0 } = {}) =>
    store.listRevocations({ after, limit, nowMs });
  const ids = async (store: Store, after = 0, nowMs = T0) =>
    (await list(store, after, { nowMs })).revocations.map(({ tokenId }) => tokenId);

  test("nothing is on the list of revoked tokens at first", async (store) => {
    assert.deepEqual(await list(store), { revocations: [], position: 0, isEnd: true });
    assert.deepEqual(await list(store, 7), { revocations: [], position: 7, isEnd: true });
  });

  test("revoked tokens are listed in the order in which they were revoked", async (store) => {
    for (const tokenId of ["z", "a", "m"]) await revoke(store, tokenId);
    const { revocations, isEnd } = await list(store);
    assert.deepEqual(
      revocations,
      ["z", "a", "m"].map((id) => ({ tokenId: id, untilMs: T0 + HOUR })),
    );
    assert.equal(isEnd, true);
  });

  test("the list is read on from any place to its end", async (store) => {
    const all = Array.from({ length: 7 }, (_, at) => `token-${at}`);
    for (const tokenId of all) await revoke(store, tokenId);
    const found: string[] = [];
    let position = 0;
    for (let isEnd = false; !isEnd;) {
      const page = await list(store, position, { limit: 3 });
      assert.ok(page.position > position);
      found.push(...page.revocations.map(({ tokenId }) => tokenId));
      ({ position, isEnd } = page);
    }
    assert.deepEqual(found, all);
    assert.deepEqual(await ids(store, position), []);
    await revoke(store, "later");
    assert.deepEqual(await ids(store, position), ["later"]);
  });

  test("a token that is revoked again is told anew, with the later of its times", async (store) => {
    await revoke(store, "a", T0 + HOUR);
    await revoke(store, "b", T0 + HOUR);
    const { position } = await list(store);
    await revoke(store, "a", T0 + 2 * HOUR);
    await revoke(store, "a", T0 + 60);
    assert.deepEqual((await list(store, position)).revocations, [
      { tokenId: "a", untilMs: T0 + 2 * HOUR },
    ]);
    assert.deepEqual(await ids(store), ["b", "a"]);
  });

  test("a token past its time is on the list no more", async (store) => {
    await revoke(store, "gone", T0);
    await revoke(store, "short", T0 + 1);
    await revoke(store, "long", T0 + HOUR);
    assert.deepEqual(await ids(store), ["short", "long"]);
    assert.deepEqual(await ids(store, 0, T0 + 1), ["long"]);
    assert.deepEqual(await ids(store, 0, T0 + HOUR), []);
  });

  test("a time at the end of the year 9999 is kept to the millisecond", async (store) => {
    const untilMs = 253_402_301_399_000;
    await revoke(store, "for good", untilMs);
    assert.deepEqual((await list(store)).revocations, [{ tokenId: "for good", untilMs }]);
  });

  test("of tokens that many revoke at once none is missed by whoever reads meanwhile", async (store) => {
    const all = Array.from({ length: 60 }, (_, at) => `token-${at}`);
    const found: string[] = [];
    let position = 0;
    const readOn = async () => {
      const page = await list(store, position, { limit: 9 });
      found.push(...page.revocations.map(({ tokenId }) => tokenId));
      ({ position } = page);
      return page.isEnd;
    };
    await Promise.all([
      ...all.map((tokenId) => revoke(store, tokenId)),
      (async () => {
        for (let reads = 0; reads < 10; reads++) await readOn();
      })(),
    ]);
    while (!await readOn());
    assert.deepEqual(found.toSorted(), all.toSorted());
  });

  test("the sweep drops tokens past their time, and no others", async (store) => {
    await revoke(store, "keeps", T0 + 9 * HOUR);
    for (let at = 0; at < 50; at++) await revoke(store, `token-${at}`);
    const nowMs = T0 + 2 * HOUR;
    for (let sweeps = 0; sweeps < 50; sweeps++) {
      if ((await claimDeliveries(store, nowMs, { sweep: true })).sweptAll) break;
    }
    // Back in time nothing of them shows: they are gone, not only past their time.
    assert.deepEqual(await ids(store), ["keeps"]);
  });
}
