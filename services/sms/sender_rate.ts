import { type Clock, pause } from "../support/clock.ts";
import type { BucketStore } from "../store/port/buckets.ts";
import { senderName, type SmsSender } from "./provider.ts";

/** What one sender may send, whichever instance does. */
export interface SenderRate {
  /** Takes the segments of one message; null: they are taken. Otherwise none was, and the number is when to ask again (Unix ms). */
  take(sender: SmsSender, segments: number, signal: AbortSignal): Promise<number | null>;
}

export interface SenderRateOptions {
  readonly store: Pick<BucketStore, "takeTokens">;
  /** Segments per second and sender (`SMS_RATE_LIMIT`); null: no limit. */
  readonly limit: { readonly perSecond: number; readonly burst: number } | null;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
}

/**
 * How long a text waits in its place. The places of the sink bound how many wait at once. If each went back to the outbox for
 * every short wait, a full bucket would keep the store busy with texts that come and go.
 */
const LONGEST_WAIT_IN_PLACE_MS = 1_000;

/** A token bucket per sender in the store. Waits up to a second by itself. Throws `StoreUnavailable`. */
export function createSenderRate(
  { store, limit, clock, random }: SenderRateOptions,
): SenderRate {
  return {
    async take(sender, segments, signal) {
      if (limit === null) return null;
      const bucket = `sms:${senderName(sender)}`;
      const giveUpAtMs = clock.now() + LONGEST_WAIT_IN_PLACE_MS;
      for (;;) {
        const nowMs = clock.now();
        const waitMs = await store.takeTokens({ bucket, tokens: segments, ...limit, nowMs });
        if (waitMs <= 0) return null;
        const atMs = clock.now() + waitMs;
        if (atMs > giveUpAtMs || signal.aborted) {
          // Those who wait for the same bucket are not to come back in one moment.
          return atMs + Math.round(waitMs * random());
        }
        await pause(clock, waitMs, signal);
      }
    },
  };
}
