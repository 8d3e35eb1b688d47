import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "./app_env.ts";

/** What the agent API has. */
const METHODS = "GET, HEAD, POST";

/** Whatever an agent's page may send that a browser asks about. */
const REQUEST_HEADERS = [
  "accept",
  "accept-language",
  "authorization",
  "content-type",
  "idempotency-key",
  "traceparent",
  "tracestate",
  "x-request-id",
].join(", ");

/** What a page may read beside what every page may (Fetch standard, "CORS-safelisted response-header name"). */
const ANSWER_HEADERS = [
  "idempotency-replayed",
  "ratelimit",
  "ratelimit-policy",
  "retry-after",
  "www-authenticate",
  "x-request-id",
].join(", ");

/** How long a browser may go by one answer; Chromium goes by none for longer than two hours. */
const PREFLIGHT_KEPT_S = "7200";

/**
 * Lets pages of these origins call what stands behind it, and read every answer, refusals too (Fetch standard, "HTTP-CORS
 * protocol"). Stands before the guards, as a browser asks without a token first. There are no credentials but the token that a
 * page sends by itself, so none of a browser's own are asked for.
 *
 * `hono/cors` would take every OPTIONS for such a question, and copy each answer.
 */
export function pagesOf(
  { origins }: {
    /** As browsers write them: `https://desktop.example`. */
    readonly origins: readonly string[];
  },
): MiddlewareHandler<AppEnv> {
  const known = new Set(origins);

  return async function pagesOf(c, next) {
    const untrustedOrigin = c.req.header("origin") ?? "";
    const isKnown = known.has(untrustedOrigin);
    const isPreflight = c.req.method === "OPTIONS" &&
      c.req.header("access-control-request-method") !== undefined;
    if (isKnown && isPreflight) c.res = new Response(null, { status: 204 });
    else await next();

    const { headers } = c.res;
    // Also where the origin is not known: a cache must not take that answer for everybody's.
    headers.append("vary", "Origin");
    if (!isKnown) return;
    headers.set("access-control-allow-origin", untrustedOrigin);
    if (!isPreflight) return headers.set("access-control-expose-headers", ANSWER_HEADERS);
    headers.set("access-control-allow-methods", METHODS);
    headers.set("access-control-allow-headers", REQUEST_HEADERS);
    headers.set("access-control-max-age", PREFLIGHT_KEPT_S);
  };
}
