import type { MiddlewareHandler } from "hono";
import type { Clock } from "../services/support/clock.ts";
import { RateLimited } from "../services/errors.ts";
import { createLruMap } from "../services/support/lru_map.ts";
import type { AppEnv } from "./app_env.ts";

export interface RateLimitOptions {
  /** Requests per second that an agent may send for ever. */
  readonly perSecond: number;
  /** Requests that it may send at once after a pause. */
  readonly burst: number;
  readonly clock: Clock;
  /** How many agents are remembered. One that is forgotten starts with a full bucket. */
  readonly maxAgents?: number;
}

/**
 * Lets an agent's requests through while its token bucket has tokens; stands behind `requireAgent`. Buckets live in this
 * process: with n instances an agent has up to n times the rate. A refusal says so by the header fields of
 * draft-ietf-httpapi-ratelimit-headers; answers let through have none, as proxied ones carry only upstream's.
 *
 * @throws RateLimited with `retry-after`
 */
export function rateLimitPerAgent(
  { perSecond, burst, clock, maxAgents = 10_000 }: RateLimitOptions,
): MiddlewareHandler<AppEnv> {
  if (!(perSecond > 0 && Number.isFinite(perSecond) && burst >= 1 && Number.isFinite(burst))) {
    throw new RangeError(
      `Cannot limit to ${perSecond}/s with burst ${burst}: expected a rate above 0 and a burst of 1 or more`,
    );
  }
  const buckets = createLruMap<string, Bucket>(maxAgents);
  // `q` units in `w` seconds: what a full bucket holds and how long it takes to fill.
  const policy = `"agent";q=${Math.floor(burst)};w=${Math.ceil(burst / perSecond)}`;

  return async function rateLimitPerAgent(c, next) {
    const { id } = c.get("agent");
    const taken = takeToken(buckets.get(id), clock.now(), { perSecond, burst });
    if (!taken.ok) {
      throw new RateLimited(
        `Cannot take more requests of this agent now: expected at most ${perSecond} per second`,
        {
          // The draft, "Server Behavior": where both are sent, `t` points at the same moment as `retry-after`.
          headers: {
            "retry-after": String(taken.waitS),
            "ratelimit": `"agent";r=0;t=${taken.waitS}`,
            "ratelimit-policy": policy,
          },
        },
      );
    }
    buckets.set(id, taken.left);
    await next();
  };
}

interface Bucket {
  readonly tokens: number;
  /** When it held that many. */
  readonly atMs: number;
}

/** One token out of the bucket as it is at `nowMs`, or how long to wait for one. An agent that is new has a full bucket. */
function takeToken(
  bucket: Bucket | undefined,
  nowMs: number,
  { perSecond, burst }: Pick<RateLimitOptions, "perSecond" | "burst">,
): { readonly ok: true; readonly left: Bucket } | { readonly ok: false; readonly waitS: number } {
  const { tokens, atMs } = bucket ?? { tokens: burst, atMs: nowMs };
  // A clock that was set back takes nothing away.
  const elapsedS = Math.max(0, nowMs - atMs) / 1000;
  const filled = Math.min(burst, tokens + elapsedS * perSecond);
  return filled >= 1
    ? { ok: true, left: { tokens: filled - 1, atMs: nowMs } }
    : { ok: false, waitS: Math.ceil((1 - filled) / perSecond) };
}
