import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "./app_env.ts";

/**
 * What every answer carries: the request id, and `cache-control: no-store` where the route says nothing else, since a
 * CDN in front (Deno Deploy has one) must keep none of them. Set behind the route, because Hono drops headers set
 * before it when the route answers with a Response of its own, as the proxied ones do; and on the answer's own headers, as
 * `c.header()` would copy the answer.
 */
export function answerHeaders(): MiddlewareHandler<AppEnv> {
  return async function answerHeaders(c, next) {
    await next();
    const { headers } = c.res;
    headers.set("x-request-id", c.get("requestId"));
    if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
  };
}
