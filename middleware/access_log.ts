import type { Context, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import type { Clock } from "../services/support/clock.ts";
import { PatchbayError, Unauthenticated } from "../services/errors.ts";
import { type Logger, shownId } from "../services/support/log.ts";
import type { AppEnv } from "./app_env.ts";

/**
 * Logs one line per request, when its answer is ready to be sent (a body may still be streaming). The route is logged as
 * its pattern, with the id in it beside ({@link shownId}); whatever a query, a header or an unknown path holds stays out of
 * the log. So nobody makes a line longer, or puts a telephone number into it, by what he asks for.
 */
export function accessLog(
  { log, clock }: { readonly log: Logger; readonly clock: Clock },
): MiddlewareHandler<AppEnv> {
  return async function accessLog(c, next) {
    const startedAtMs = clock.now();
    await next();
    const route = routePattern(c);
    // Probes come every few seconds and say nothing; the line would bury the others.
    const write = route !== null && PROBES.has(route) ? log.debug : log.info;
    write("http.request", {
      method: METHODS.has(c.req.method) ? c.req.method : OTHER_METHOD,
      route,
      id: route === null ? undefined : idIn(c),
      status: c.res.status,
      durationMs: clock.now() - startedAtMs,
      requestId: c.get("requestId"),
      agentId: agentId(c),
      problem: c.error instanceof PatchbayError ? c.error.code : undefined,
      ...refusalOf(c.error),
    });
  };
}

/** RFC 9110 §9.1, RFC 5789. */
const METHODS: ReadonlySet<string> = new Set(
  ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"],
);

/** Any other, which may be as long as its sender likes (the name is OpenTelemetry's, `http.request.method`). */
const OTHER_METHOD = "_OTHER";

const PROBES: ReadonlySet<string> = new Set(["/healthz", "/readyz"]);

/** The last route that matched and is not mere middleware; null when the path is unknown or the method is. */
function routePattern(c: Context<AppEnv>): string | null {
  const routes = matchedRoutes(c).filter(({ method, path }) =>
    method !== "ALL" || !path.includes("*")
  );
  return routes.at(-1)?.path ?? null;
}

function idIn(c: Context<AppEnv>): string | undefined {
  const untrustedId = c.req.param("id");
  return untrustedId === undefined ? undefined : shownId(untrustedId);
}

function agentId(c: Context<AppEnv>): string | undefined {
  // Requests that were not let in have none, which the type of the environment does not say.
  const agent: AppEnv["Variables"]["agent"] | undefined = c.get("agent");
  return agent?.id;
}

/** Why an agent's token was refused, where it was: the answer says no more than that it was. */
function refusalOf(error: unknown): { readonly refusal?: string } {
  const refusal = error instanceof Unauthenticated ? error.refusal : null;
  return refusal === null ? {} : { refusal };
}
