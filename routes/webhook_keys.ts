import { Hono } from "hono";
import type { AppEnv } from "../middleware/app_env.ts";
import type { Clock } from "../services/support/clock.ts";
import { webhookKeysView } from "../services/webhooks/webhook_view.ts";
import type { WebhookService } from "../services/webhooks/webhooks.ts";

// Rotated keys sign on for a day, so a consumer that keeps the list for five minutes always has one that fits.
const CACHEABLE = { "cache-control": "public, max-age=300" } as const;

export interface WebhookKeyRoutesDependencies {
  readonly webhooks: Pick<WebhookService, "all">;
  readonly clock: Clock;
}

/** `/.well-known/webhook-keys`: the public keys by which consumers verify `v1a` signatures. Open. */
export function webhookKeyRoutes({ webhooks, clock }: WebhookKeyRoutesDependencies) {
  const routes = new Hono<AppEnv>();
  routes.get("/.well-known/webhook-keys", async (c) => {
    const data = webhookKeysView(await webhooks.all(), clock.now());
    return c.json({ data }, 200, CACHEABLE);
  });
  return routes;
}
