import { openSqliteStore } from "../../../../services/store/sqlite/store.ts";
import { testStoreContract } from "../contract/suite.ts";
import { POLICY } from "../../../support/drafts.ts";

testStoreContract({
  name: "SQLite",
  open: () => {
    const store = openSqliteStore({ path: ":memory:", sync: "normal", policy: POLICY });
    return Promise.resolve({ store, [Symbol.asyncDispose]: () => store.close() });
  },
});
