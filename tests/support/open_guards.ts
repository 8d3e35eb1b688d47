import type { MiddlewareHandler } from "hono";
import type { AppEnv, RouteGuards } from "../../middleware/app_env.ts";
import { jsonBody } from "../../middleware/json_body.ts";
import { type Clock, systemClock } from "../../services/support/clock.ts";
import { createRoom } from "../../services/support/room.ts";

/** Guards that let everybody in whom the route lets in, as often and as much as anybody likes. */
export function openGuards(
  { clock = systemClock }: { readonly clock?: Clock } = {},
): Pick<RouteGuards, "attempts" | "ingress" | "jsonBody"> {
  const room = createRoom(Infinity);
  const goOn: MiddlewareHandler<AppEnv> = (_c, next) => next();
  return {
    attempts: goOn,
    ingress: () => goOn,
    jsonBody: (options) => jsonBody({ ...options, clock, room }),
  };
}
