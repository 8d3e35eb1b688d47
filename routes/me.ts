import { Hono } from "hono";
import type { AppEnv, RouteGuards } from "../middleware/app_env.ts";
import type { ContactCentreSessions } from "../services/sessions/contact_centre_sessions.ts";
import { API_ROOT, ME } from "../services/contact_centre/dialect/paths.ts";
import { readOperationName } from "../services/contact_centre/dialect/operations.ts";
import type { OwnReads } from "../services/sessions/own_reads.ts";
import {
  answerWith,
  MAX_PROXIED_BODY_BYTES,
  operationRefusal,
  upstreamRequest,
} from "./proxied.ts";

export interface MeRoutesDependencies {
  readonly guards: RouteGuards;
  readonly ownReads: OwnReads;
  readonly contactCentre: ContactCentreSessions;
}

/** The agent itself: its contact-centre session is started, ended and read here. Forwarded as it comes (DESIGN §5). */
export function meRoutes(
  { guards, ownReads, contactCentre }: MeRoutesDependencies,
): Hono<AppEnv> {
  const path = API_ROOT + ME;
  return new Hono<AppEnv>()
    .get(
      path,
      guards.agent("sms:operate"),
      async (c) => answerWith(await ownReads(upstreamRequest(c, "GET", path))),
    )
    .post(
      path,
      guards.agent("sms:operate"),
      guards.jsonBody({ maxBytes: MAX_PROXIED_BODY_BYTES }),
      async (c) => {
        const read = readOperationName(c.get("body").untrustedJson);
        if (!read.ok) throw operationRefusal(read);
        return answerWith(
          await contactCentre.operate(read.name, upstreamRequest(c, "POST", path)),
        );
      },
    );
}
