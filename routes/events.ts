import { Hono } from "hono";
import type { AppEnv, RouteGuards } from "../middleware/app_env.ts";
import { renderEvent } from "../services/events/event_body.ts";
import { NotFound } from "../services/errors.ts";
import type { EventRecord, EventStore } from "../services/store/port/events.ts";
import { filterSessionId } from "./ids.ts";
import { filtersIn, JSON_TYPE, listBody, readPage } from "./paging.ts";
import { queryOf } from "./query.ts";

export interface EventRoutesDependencies {
  readonly store: Pick<EventStore, "readEvent" | "listEvents">;
  readonly guards: Pick<RouteGuards, "agent">;
}

/** `/v1/events`: every event that is still kept, oldest first, exactly as it was sent to webhooks. */
export function eventRoutes({ store, guards }: EventRoutesDependencies) {
  const routes = new Hono<AppEnv>();

  routes.get("/v1/events", guards.agent("webhooks:read"), async (c) => {
    const query = queryOf(c);
    const { session, type } = filtersIn(query, ["session", "type"]);
    const page = await store.listEvents({
      ...readPage(query),
      ...(session === undefined ? {} : { sessionId: filterSessionId(session) }),
      ...(type === undefined ? {} : { type }),
    });
    return c.body(listBody(page, asSent), 200, JSON_TYPE);
  });

  routes.get("/v1/events/:id", guards.agent("webhooks:read"), async (c) => {
    const event = await store.readEvent(c.req.param("id"));
    if (event === null) throw new NotFound("Cannot find this event: expected one that is kept");
    return c.body(asSent(event), 200, JSON_TYPE);
  });

  return routes;
}

function asSent(event: EventRecord): string {
  return renderEvent(event, "full");
}
