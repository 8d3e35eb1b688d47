import { Hono } from "hono";
import type { AppEnv, RouteGuards } from "../middleware/app_env.ts";
import type { Clock } from "../services/support/clock.ts";
import { rfc3339 } from "../services/support/time.ts";
import { recoveryView } from "../services/webhooks/recovery_job.ts";
import { webhookView } from "../services/webhooks/webhook_view.ts";
import type { WebhookService } from "../services/webhooks/webhooks.ts";
import { filtersIn, JSON_TYPE, listBody, readPage } from "./paging.ts";
import { queryOf } from "./query.ts";

const MAX_BODY_BYTES = 64 * 1024;

export interface WebhookRoutesDependencies {
  readonly webhooks: WebhookService;
  readonly guards: RouteGuards;
  readonly clock: Clock;
}

/** `/v1/webhooks`: who is told of what. A secret is answered once, by the request that made it. */
export function webhookRoutes({ webhooks, guards, clock }: WebhookRoutesDependencies) {
  const routes = new Hono<AppEnv>();
  const mayRead = guards.agent("webhooks:read");
  const mayWrite = guards.agent("webhooks:write");
  const body = guards.jsonBody({ maxBytes: MAX_BODY_BYTES });

  routes.post("/v1/webhooks", mayWrite, body, async (c) => {
    const { webhook, secret } = await webhooks.create(c.get("body").untrustedJson);
    return c.json({ ...webhookView(webhook, clock.now()), secret }, 201, {
      location: `/v1/webhooks/${webhook.id}`,
    });
  });

  routes.get("/v1/webhooks", mayRead, async (c) => {
    const query = queryOf(c);
    filtersIn(query, []);
    const page = await webhooks.list(readPage(query));
    const nowMs = clock.now();
    const toJson = (webhook: (typeof page.items)[number]) =>
      JSON.stringify(webhookView(webhook, nowMs));
    return c.body(listBody(page, toJson), 200, JSON_TYPE);
  });

  routes.get("/v1/webhooks/:id", mayRead, async (c) => {
    const webhook = await webhooks.read(c.req.param("id"));
    return c.json(webhookView(webhook, clock.now()));
  });

  // With `secret` only where the change made one: a new signing scheme needs a new key.
  routes.patch("/v1/webhooks/:id", mayWrite, body, async (c) => {
    const { webhook, secret } = await webhooks.patch(
      c.req.param("id"),
      c.get("body").untrustedJson,
    );
    const view = webhookView(webhook, clock.now());
    return c.json(secret === null ? view : { ...view, secret });
  });

  routes.delete("/v1/webhooks/:id", mayWrite, async (c) => {
    await webhooks.delete(c.req.param("id"));
    return c.body(null, 204);
  });

  routes.post("/v1/webhooks/:id/rotate-secret", mayWrite, async (c) => {
    const { webhook, secret } = await webhooks.rotateSecret(c.req.param("id"));
    return c.json({ ...webhookView(webhook, clock.now()), secret });
  });

  routes.post("/v1/webhooks/:id/enable", mayWrite, async (c) => {
    const webhook = await webhooks.enable(c.req.param("id"));
    return c.json(webhookView(webhook, clock.now()));
  });

  // 202 also where a recovery runs already: the answer is that one.
  routes.post("/v1/webhooks/:id/recover", mayWrite, body, async (c) => {
    const outcome = await webhooks.recover(c.req.param("id"), c.get("body").untrustedJson);
    if (outcome.kind === "running") return c.json(recoveryView(outcome.recovery), 202);
    const { sinceMs, untilMs, count } = outcome;
    return c.json({ since: rfc3339(sinceMs), until: rfc3339(untilMs), count });
  });

  routes.post("/v1/webhooks/:id/ping", mayWrite, async (c) => {
    const eventId = await webhooks.ping(c.req.param("id"));
    return c.json({ eventId }, 202);
  });

  return routes;
}
