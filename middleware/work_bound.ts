import type { MiddlewareHandler } from "hono";
import { Overloaded } from "../services/errors.ts";
import type { Logger } from "../services/support/log.ts";
import type { Room } from "../services/support/room.ts";
import type { AppEnv } from "./app_env.ts";

/**
 * Takes in as many requests at a time as there is room for, and refuses the others at once, before memory is the bound.
 * Stands behind those who tell who is calling: a stranger takes nobody's place. A request counts until its answer is there;
 * whether anybody reads that to its end takes no room.
 *
 * @throws Overloaded
 */
export function boundWork(
  { room, log }: { readonly room: Room; readonly log: Logger },
): MiddlewareHandler<AppEnv> {
  let isRefusing = false;

  return async function boundWork(_c, next) {
    if (!room.take(1)) {
      // Said once: each refused request has its line in the access log.
      if (!isRefusing) log.warn("work.refused", { inFlight: room.taken });
      isRefusing = true;
      throw new Overloaded();
    }
    try {
      await next();
    } finally {
      room.give(1);
      if (isRefusing && room.taken <= room.capacity / 2) {
        isRefusing = false;
        log.info("work.resumed");
      }
    }
  };
}
