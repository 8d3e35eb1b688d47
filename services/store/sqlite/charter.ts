import { charterAfter, OtherTerms } from "../charter.ts";
import type { CharterStore } from "../port/charter.ts";
import type { Database } from "./database.ts";
import type { RecordSteps } from "./records.ts";

const CHARTER = { kind: "charter", key: "" } as const;

/** The charter of an embedded store; processes that share the file compare one after the other. */
export function createSqliteCharter(
  db: Database,
  records: RecordSteps,
): CharterStore & { isBegun(): Promise<boolean> } {
  return {
    isBegun: () => db.read("use the store", () => records.text(CHARTER, 0) !== null),
    async agree(terms) {
      const refusal = await db.write("use the store", () => {
        try {
          const text = charterAfter(records.text(CHARTER, 0), terms);
          if (text !== null) records.put({ ...CHARTER, text, untilMs: null, nowMs: 0 });
          return null;
        } catch (error) {
          // Thrown in here it would be taken for a fault of the database.
          if (error instanceof OtherTerms) return error;
          throw error;
        }
      });
      if (refusal !== null) throw refusal;
    },
  };
}
