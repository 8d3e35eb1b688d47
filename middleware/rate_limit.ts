import type { Context, MiddlewareHandler } from "hono";
import { RateLimited } from "../services/errors.ts";
import type { Clock } from "../services/support/clock.ts";
import { type BucketRate, createTokenBuckets } from "../services/support/token_buckets.ts";
import type { AppEnv } from "./app_env.ts";

export interface RateLimitOptions extends BucketRate {
  /** The policy's name in the header fields. */
  readonly policy: string;
  /** Whose requests they are, for people: "this agent". */
  readonly whose: string;
  /** Who shares a bucket. */
  readonly keyOf: (c: Context<AppEnv>) => string;
  readonly clock: Clock;
}

/**
 * Lets requests through while their bucket has tokens; stands behind those who tell who is calling. Buckets live in this
 * process: with n instances there is up to n times the rate. Every answer tells what is left by the header fields of
 * draft-ietf-httpapi-ratelimit-headers-10: for a bucket, `q` and `w` are what a full one holds and how long it takes to fill.
 *
 * @throws RateLimited with `retry-after`
 */
export function rateLimit(
  { policy, whose, keyOf, clock, ...rate }: RateLimitOptions,
): MiddlewareHandler<AppEnv> {
  const buckets = createTokenBuckets(rate);
  const { perSecond, burst } = rate;
  const policyField = `"${policy}";q=${Math.floor(burst)};w=${Math.ceil(burst / perSecond)}`;

  return async function rateLimit(c, next) {
    const taken = buckets.take(keyOf(c), clock.now());
    if (!taken.ok) {
      throw new RateLimited(
        `Cannot take more requests of ${whose} now: expected at most ${perSecond} per second`,
        {
          // The draft, "Server Behavior": `retry-after` is not to point at an earlier moment than `t`.
          headers: {
            "retry-after": String(taken.waitS),
            "ratelimit": `"${policy}";r=0;t=${taken.waitS}`,
            "ratelimit-policy": policyField,
          },
        },
      );
    }
    await next();
    const { headers } = c.res;
    headers.set("ratelimit", `"${policy}";r=${taken.left};t=${taken.nextS}`);
    headers.set("ratelimit-policy", policyField);
  };
}
