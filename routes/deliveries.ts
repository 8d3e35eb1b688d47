import { Hono } from "hono";
import type { AppEnv, RouteGuards } from "../middleware/app_env.ts";
import type { Clock } from "../services/clock.ts";
import { InvalidParameter, NotFound } from "../services/errors.ts";
import { rfc3339 } from "../services/rfc3339.ts";
import {
  DELIVERY_STATUSES,
  type DeliveryRecord,
  type DeliveryStatus,
  SMS_SINK,
  type Store,
} from "../services/store/port.ts";
import { filtersIn, JSON_TYPE, listBody, readPage } from "./paging.ts";

export interface DeliveryRoutesDependencies {
  readonly store: Pick<Store, "listDeliveries" | "readDelivery" | "retryDelivery">;
  readonly guards: Pick<RouteGuards, "agent">;
  readonly clock: Clock;
  /** Told that a delivery has become due: wakes the delivery engine. */
  readonly onDue: () => void;
}

/** `/v1/deliveries`: what became of each event at each sink, oldest first. */
export function deliveryRoutes({ store, guards, clock, onDue }: DeliveryRoutesDependencies) {
  const routes = new Hono<AppEnv>();

  routes.get("/v1/deliveries", guards.agent("webhooks:read"), async (c) => {
    const { webhook, status } = filtersIn(c.req.query(), ["webhook", "status"]);
    const page = await store.listDeliveries({
      ...readPage(c.req.query()),
      ...(webhook === undefined ? {} : { sinkId: webhook }),
      ...(status === undefined ? {} : { status: readStatus(status) }),
    });
    return c.body(
      listBody(page, (delivery) => JSON.stringify(deliveryView(delivery))),
      200,
      JSON_TYPE,
    );
  });

  routes.get("/v1/deliveries/:id", guards.agent("webhooks:read"), async (c) => {
    const { delivery, attemptsJson } = found(await store.readDelivery(c.req.param("id")));
    const attempts = attemptsJson.map((json): unknown => JSON.parse(json));
    return c.json({ ...deliveryView(delivery), attempts });
  });

  // Also 202 while an attempt is under way: what was asked for is happening, and the answer's status says so.
  routes.post("/v1/deliveries/:id/retry", guards.agent("webhooks:write"), async (c) => {
    const id = c.req.param("id");
    const outcome = found(await store.retryDelivery(id, clock.now()));
    if (outcome === "spent") {
      // DESIGN §10: a text leaves at most once.
      throw new InvalidParameter(
        "Cannot send this text again: expected one that surely has not left",
      );
    }
    if (outcome === "due") onDue();
    const { delivery } = found(await store.readDelivery(id));
    return c.json(deliveryView(delivery), 202);
  });

  return routes;
}

/** A delivery as it is shown. `webhookId` is null for one to the customer's phone. */
function deliveryView(delivery: DeliveryRecord) {
  const { id, eventId, eventType, sinkId, sessionId, messageIndex, status } = delivery;
  const isSms = sinkId === SMS_SINK;
  return {
    id,
    eventId,
    eventType,
    sink: isSms ? "sms" : "webhook",
    webhookId: isSms ? null : sinkId,
    sessionId,
    messageIndex,
    status,
    attemptCount: delivery.attempts,
    createdAt: rfc3339(delivery.createdAtMs),
    updatedAt: rfc3339(delivery.updatedAtMs),
    nextAttemptAt: delivery.nextAttemptAtMs === null ? null : rfc3339(delivery.nextAttemptAtMs),
  };
}

function readStatus(untrustedStatus: string): DeliveryStatus {
  const status = DELIVERY_STATUSES.find((known) => known === untrustedStatus);
  if (status === undefined) {
    throw new InvalidParameter(
      `Cannot list deliveries by this status: expected one of ${DELIVERY_STATUSES.join(", ")}`,
    );
  }
  return status;
}

function found<T>(outcome: T | null): T {
  if (outcome === null) throw new NotFound("Cannot find this delivery: expected one that is kept");
  return outcome;
}
