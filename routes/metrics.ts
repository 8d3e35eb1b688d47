import { Hono } from "hono";
import type { AppEnv } from "../middleware/app_env.ts";
import { createBearerSecret } from "../middleware/bearer_secret.ts";
import { isLocal } from "../middleware/local_client.ts";
import { notFound } from "../middleware/problem_details.ts";
import { MethodNotAllowed } from "../services/errors.ts";
import { type Metric, writeMetrics } from "../services/support/metrics.ts";

export interface MetricsRoutesDependencies {
  readonly metrics: readonly Metric[];
  /** `METRICS_TOKEN`; null: only programs on this machine may read. */
  readonly metricsToken: string | null;
}

/**
 * `GET /metrics`: how this instance is doing, for Prometheus. For programs on this machine and for whoever has the token.
 * Everybody else is answered as at a path where nothing is, whatever the method.
 */
export function metricsRoutes(
  { metrics, metricsToken }: MetricsRoutesDependencies,
): Hono<AppEnv> {
  const secret = metricsToken === null ? null : createBearerSecret(metricsToken);
  return new Hono<AppEnv>().all("/metrics", async (c) => {
    const mayRead = isLocal(c) || secret?.(c.req.header("authorization")) === "right";
    if (!mayRead) return notFound(c);
    const { method } = c.req;
    if (method !== "GET" && method !== "HEAD") throw new MethodNotAllowed(method, ["GET", "HEAD"]);
    const { text, contentType } = await writeMetrics(metrics);
    return c.body(text, 200, { "content-type": contentType });
  });
}
