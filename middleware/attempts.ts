import type { MiddlewareHandler } from "hono";
import { RateLimited, Unauthenticated } from "../services/errors.ts";
import type { Clock } from "../services/support/clock.ts";
import { type BucketRate, createTokenBuckets } from "../services/support/token_buckets.ts";
import type { AppEnv } from "./app_env.ts";
import { networkOf } from "./client_address.ts";

/**
 * Bounds how often somebody may try to come in: once too many tries from one place have failed, further ones are answered
 * `rate-limited`, until time has passed. Only what fails is counted and only that is refused, so that nobody
 * keeps those out who share an address with him, a proxy's for one.
 *
 * @throws RateLimited in the place of Unauthenticated
 */
export function boundAttempts(
  { clock, ...rate }: BucketRate & { readonly clock: Clock },
): MiddlewareHandler<AppEnv> {
  const buckets = createTokenBuckets(rate);

  return async function boundAttempts(c, next) {
    await next();
    if (!(c.error instanceof Unauthenticated)) return;
    const taken = buckets.take(networkOf(c.get("clientIp") ?? ""), clock.now());
    if (taken.ok) return;
    // Hono would put the headers of the answer that there is under the other's.
    c.res = undefined;
    throw new RateLimited(
      "Cannot take more tries from your address now: expected credentials that are good",
      { headers: { "retry-after": String(taken.waitS) } },
    );
  };
}
