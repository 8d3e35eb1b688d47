import { Hono } from "hono";
import * as v from "valibot";
import type { AppEnv, RouteGuards } from "../middleware/app_env.ts";
import type { Clock } from "../services/support/clock.ts";
import { InvalidBody, InvalidParameter, NotFound } from "../services/errors.ts";
import { rfc3339 } from "../services/support/time.ts";
import { isJsonObject } from "../services/support/json_object.ts";
import {
  type Resolution,
  type ResolutionOutcome,
  RESOLUTIONS,
} from "../services/sms/resolution.ts";
import {
  DELIVERY_STATUSES,
  type DeliveryRecord,
  SMS_SINK,
} from "../services/store/port/deliveries.ts";
import type { TextOutcome } from "../services/store/port/text_outcome.ts";
import type { Store } from "../services/store/port/store.ts";
import { filtersIn, JSON_TYPE, listBody, readPage } from "./paging.ts";
import { queryOf } from "./query.ts";

/** Ends the doubt about a text, in the name of an agent. */
export type ResolveText = (
  deliveryId: string,
  resolution: Resolution,
  agentId: string,
) => Promise<ResolutionOutcome>;

export interface DeliveryRoutesDependencies {
  readonly store: Pick<Store, "listDeliveries" | "readDelivery" | "retryDelivery">;
  readonly guards: RouteGuards;
  readonly clock: Clock;
  /** Told that a delivery has become due: wakes the delivery engine. */
  readonly onDue: () => void;
  readonly resolveText: ResolveText;
}

const MAX_BODY_BYTES = 4 * 1024;
const resolutionSchema = v.picklist(RESOLUTIONS);

/** `/v1/deliveries`: what became of each event at each sink, oldest first. */
export function deliveryRoutes(
  { store, guards, clock, onDue, resolveText }: DeliveryRoutesDependencies,
) {
  const routes = new Hono<AppEnv>();

  routes.get("/v1/deliveries", guards.agent("webhooks:read"), async (c) => {
    const query = queryOf(c);
    const { webhook, status } = filtersIn(query, ["webhook", "status"]);
    const page = await store.listDeliveries({
      ...readPage(query),
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

  routes.post(
    "/v1/deliveries/:id/resolve",
    guards.agent("webhooks:write"),
    guards.jsonBody({ maxBytes: MAX_BODY_BYTES }),
    async (c) => {
      const resolution = readResolution(c.get("body").untrustedJson);
      const id = c.req.param("id");
      const outcome = await resolveText(id, resolution, c.get("agent").id);
      if (outcome === "not-unknown") {
        throw new InvalidParameter(
          "Cannot resolve this delivery: expected a text whose status is unknown",
        );
      }
      const kept = found(outcome === "resolved" ? await store.readDelivery(id) : null);
      if (resolution === "send-again") onDue();
      return c.json(deliveryView(kept.delivery));
    },
  );

  return routes;
}

function readResolution(untrustedJson: unknown): Resolution {
  if (!isJsonObject(untrustedJson)) {
    throw new InvalidBody("Cannot resolve a delivery with this body: expected a JSON object");
  }
  const read = v.safeParse(resolutionSchema, untrustedJson["outcome"]);
  if (read.success) return read.output;
  throw new InvalidParameter(
    `Cannot use this outcome: expected one of ${RESOLUTIONS.join(", ")}`,
  );
}

/** A delivery as it is shown. `webhookId` is null for one to the customer's phone. */
function deliveryView(delivery: DeliveryRecord) {
  const { id, eventId, eventType, sinkId, sessionId, messageIndex, status, outcome } = delivery;
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
    outcome: isSms ? outcomeOf(delivery) : null,
    errorCode: outcome?.errorCode ?? null,
    attemptCount: delivery.attempts,
    createdAt: rfc3339(delivery.createdAtMs),
    updatedAt: rfc3339(delivery.updatedAtMs),
    nextAttemptAt: delivery.nextAttemptAtMs === null ? null : rfc3339(delivery.nextAttemptAtMs),
  };
}

/** What became of a text; of one that has not wholly left only a part can have been told of, and only a failure counts. */
function outcomeOf({ status, outcome }: DeliveryRecord): TextOutcome["kind"] | null {
  if (outcome !== null && outcome.kind !== "sent") return outcome.kind;
  return status === "delivered" ? "sent" : null;
}

const LISTED_STATUSES = [...DELIVERY_STATUSES, "sent", "undelivered"] as const;

function readStatus(untrustedStatus: string): typeof LISTED_STATUSES[number] {
  const status = LISTED_STATUSES.find((known) => known === untrustedStatus);
  if (status === undefined) {
    throw new InvalidParameter(
      `Cannot list deliveries by this status: expected one of ${LISTED_STATUSES.join(", ")}`,
    );
  }
  return status;
}

function found<T>(outcome: T | null): T {
  if (outcome === null) throw new NotFound("Cannot find this delivery: expected one that is kept");
  return outcome;
}
