/** How fast a bucket fills, and how much it holds. */
export interface BucketRate {
  /** Tokens per second. */
  readonly perSecond: number;
  /** Tokens in a full bucket, 1 or more. */
  readonly burst: number;
}

/** What came of asking a bucket for a token. */
export type Taken =
  /** `left`: whole tokens that remain; `nextS`: whole seconds until there is one more. */
  | { readonly ok: true; readonly left: number; readonly nextS: number }
  /** `waitS`: whole seconds until there is a token. */
  | { readonly ok: false; readonly waitS: number };

/** A token bucket for each key. One that is asked for the first time is full. */
export interface TokenBuckets {
  take(key: string, nowMs: number): Taken;
  /** How many buckets are remembered. */
  readonly size: number;
}

interface Bucket {
  tokens: number;
  /** When it held that many. */
  atMs: number;
}

/**
 * Buckets in the memory of this process, as many as are not full, and no more than twice `maxKeys`.
 *
 * What is forgotten is known again as full. So nothing is forgotten that is not full: a bucket that nobody has asked for as
 * long as one takes to fill. Nobody can empty others' places, or win back tokens of his own, by coming under many names: once
 * `maxKeys` keys have come in that time, every further one shares one bucket with all the others.
 *
 * @throws RangeError for a rate that is none
 */
export function createTokenBuckets(
  { perSecond, burst, maxKeys = 100_000 }: BucketRate & { readonly maxKeys?: number },
): TokenBuckets {
  if (!(perSecond > 0 && Number.isFinite(perSecond) && burst >= 1 && Number.isFinite(burst))) {
    throw new RangeError(
      `Cannot limit to ${perSecond}/s with burst ${burst}: expected a rate above 0 and a burst of 1 or more`,
    );
  }
  const fillMs = burst / perSecond * 1_000;
  // Asked for since `sinceMs`, and in the time before. Who is in neither was not asked for as long as one takes to fill.
  let young = new Map<string, Bucket>();
  let old = new Map<string, Bucket>();
  let sinceMs = -Infinity;
  const shared: Bucket = { tokens: burst, atMs: 0 };

  function turn(nowMs: number): void {
    const agoMs = nowMs - sinceMs;
    // A clock that was set back begins anew; what is known by then stays.
    if (agoMs >= 0 && agoMs < fillMs) return;
    old = agoMs < 2 * fillMs ? young : new Map();
    young = new Map();
    sinceMs = nowMs;
  }

  function bucketOf(key: string, nowMs: number): Bucket {
    const known = young.get(key);
    if (known !== undefined) return known;
    if (young.size >= maxKeys) return shared;
    const bucket = old.get(key) ?? { tokens: burst, atMs: nowMs };
    young.set(key, bucket);
    return bucket;
  }

  return {
    take(key, nowMs) {
      turn(nowMs);
      const bucket = bucketOf(key, nowMs);
      // A clock that was set back takes nothing away.
      bucket.atMs = Math.min(bucket.atMs, nowMs);
      const filled = bucket.tokens + (nowMs - bucket.atMs) / 1_000 * perSecond;
      const tokens = Math.min(burst, filled);
      // The bucket stays as it is: many small additions would not come to what is due.
      if (tokens < 1) return { ok: false, waitS: secondsFor(1 - tokens) };
      bucket.tokens = tokens - 1;
      bucket.atMs = nowMs;
      const left = Math.floor(bucket.tokens);
      return { ok: true, left, nextS: secondsFor(left + 1 - bucket.tokens) };
    },
    get size() {
      return young.size + old.size;
    },
  };

  function secondsFor(tokens: number): number {
    return Math.ceil(tokens / perSecond);
  }
}
