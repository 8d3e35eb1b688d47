import assert from "node:assert/strict";
import { OtherTerms } from "../../../../services/store/charter.ts";
import type { ContractTest } from "./contract.ts";

/** What a store was begun with, and who may use it after that. */
export function charterContract(test: ContractTest): void {
  test("who comes later has to go by what the store was begun with", async (store) => {
    await store.agree({ shards: 1, keyIds: ["aaaa0000"] });
    await store.agree({ shards: 1, keyIds: ["aaaa0000"] });
    await assert.rejects(store.agree({ shards: 2, keyIds: ["aaaa0000"] }), OtherTerms);
    await assert.rejects(store.agree({ shards: 1, keyIds: ["bbbb1111"] }), OtherTerms);
    await store.agree({ shards: 1, keyIds: ["aaaa0000"] });
  });

  test("a key is rotated with the old one beside it, and is then asked of everyone", async (store) => {
    await store.agree({ shards: 1, keyIds: ["aaaa0000"] });
    await store.agree({ shards: 1, keyIds: ["bbbb1111", "aaaa0000"] });
    await assert.rejects(store.agree({ shards: 1, keyIds: ["aaaa0000"] }), OtherTerms);
    await store.agree({ shards: 1, keyIds: ["bbbb1111"] });
  });

  test("of those who begin a store at once all go by what the first wrote", async (store) => {
    const tries = ["aaaa0000", "bbbb1111", "cccc2222"].map((keyId) =>
      store.agree({ shards: 1, keyIds: [keyId] }).then(() => keyId, () => null)
    );
    const agreed = (await Promise.all(tries)).filter((keyId) => keyId !== null);
    assert.equal(agreed.length, 1);
  });
}
