import type { DeliveryRate } from "../port.ts";
import type { Database } from "./database.ts";

/** Token buckets of sinks, inside the caller's transaction. */
export interface Buckets {
  /** Whole tokens now, and when there is one again (0: there is). */
  look(sinkId: string, rate: DeliveryRate, nowMs: number): { tokens: number; nextAtMs: number };
  take(sinkId: string, rate: DeliveryRate, count: number, nowMs: number): void;
}

/** To a millionth of a token: sums of binary fractions must not fall short of a whole one. */
function rounded(tokens: number): number {
  return Math.round(tokens * 1e6) / 1e6;
}

export function createBuckets(db: Database): Buckets {
  function filled(sinkId: string, { perSecond, burst }: DeliveryRate, nowMs: number): number {
    const row = db.one<{ tokens: number; filled_at: number }>(
      "SELECT tokens, filled_at FROM buckets WHERE sink_id = ?",
      sinkId,
    );
    if (row === undefined) return burst;
    const filled = row.tokens + Math.max(0, nowMs - row.filled_at) * perSecond / 1000;
    return Math.min(burst, rounded(filled));
  }

  return {
    look(sinkId, rate, nowMs) {
      const tokens = filled(sinkId, rate, nowMs);
      const nextAtMs = tokens >= 1
        ? 0
        : nowMs + Math.ceil(rounded((1 - tokens) * 1000 / rate.perSecond));
      return { tokens: Math.floor(tokens), nextAtMs };
    },
    take(sinkId, rate, count, nowMs) {
      if (count === 0) return;
      db.run(
        "INSERT OR REPLACE INTO buckets (sink_id, tokens, filled_at) VALUES (?, ?, ?)",
        sinkId,
        filled(sinkId, rate, nowMs) - count,
        nowMs,
      );
    },
  };
}
