import { Hono } from "hono";
import type { AppEnv } from "../middleware/app_env.ts";
import { type Metric, writeMetrics } from "../services/support/metrics.ts";

/** `GET /metrics`: how this instance is doing, for Prometheus. Open, as it holds numbers only, and none of one agent's. */
export function metricsRoutes({ metrics }: { readonly metrics: readonly Metric[] }): Hono<AppEnv> {
  return new Hono<AppEnv>().get("/metrics", async (c) => {
    const { text, contentType } = await writeMetrics(metrics);
    return c.body(text, 200, { "content-type": contentType, "cache-control": "no-store" });
  });
}
