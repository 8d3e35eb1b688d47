import type { BucketStore } from "../port/buckets.ts";
import type { DeliveryRate } from "../port/deliveries.ts";
import { bucketId } from "../rules.ts";
import type { Database } from "./database.ts";

/** Token buckets, inside the caller's transaction. Their column is named after sinks, which were the first to have them. */
export interface Buckets {
  /** How many tokens there are now; below 0 where more were taken than there were. */
  tokens(name: string, rate: DeliveryRate, nowMs: number): number;
  /** Takes tokens whether they are there or not. */
  take(name: string, rate: DeliveryRate, count: number, nowMs: number): void;
}

/** How many milliseconds a bucket needs to fill up by `missing` tokens; 0 only where none is missing. */
export function fillingMs(missing: number, { perSecond }: DeliveryRate): number {
  return missing <= 0 ? 0 : Math.max(1, Math.ceil(rounded(missing * 1000 / perSecond)));
}

/** To a millionth of a token: sums of binary fractions must not fall short of a whole one. */
function rounded(tokens: number): number {
  return Math.round(tokens * 1e6) / 1e6;
}

export function createBuckets(db: Database): Buckets {
  function tokens(name: string, { perSecond, burst }: DeliveryRate, nowMs: number): number {
    const row = db.one<{ tokens: number; filled_at: number }>(
      "SELECT tokens, filled_at FROM buckets WHERE sink_id = ?",
      name,
    );
    if (row === undefined) return burst;
    const filled = row.tokens + Math.max(0, nowMs - row.filled_at) * perSecond / 1000;
    return Math.min(burst, rounded(filled));
  }

  return {
    tokens,
    take(name, rate, count, nowMs) {
      if (count === 0) return;
      db.run(
        "INSERT OR REPLACE INTO buckets (sink_id, tokens, filled_at) VALUES (?, ?, ?)",
        name,
        tokens(name, rate, nowMs) - count,
        nowMs,
      );
    },
  };
}

/** Token buckets in SQLite. */
export function createSqliteBuckets(db: Database, buckets: Buckets): BucketStore {
  return {
    takeTokens: ({ bucket, tokens, perSecond, burst, nowMs }) =>
      db.write("take tokens", () => {
        const name = bucketId(bucket);
        const rate = { perSecond, burst };
        const missing = 1 - buckets.tokens(name, rate, nowMs);
        if (missing <= 0) buckets.take(name, rate, tokens, nowMs);
        return fillingMs(missing, rate);
      }),
  };
}
