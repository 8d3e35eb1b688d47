import { Hono } from "hono";
import { createMiddleware } from "hono/factory";
import type { AppEnv, RouteGuards } from "../middleware/app_env.ts";
import { createBearerSecret } from "../middleware/bearer_secret.ts";
import { InvalidBody, NotFound, Unauthenticated } from "../services/errors.ts";
import { readNotifications } from "../services/contact_centre/dialect/notifications.ts";
import type { Publisher } from "../services/events/publisher.ts";

/** The longest body that is read: 1 MiB (DESIGN §8). */
const MAX_BODY_BYTES = 1024 * 1024;

/** RFC 6750 §3; another realm than the agents', as their tokens do not open it. */
const CHALLENGE = 'Bearer realm="notifications"';

export interface IngressRoutesDependencies {
  /** `NOTIFICATIONS_TOKEN`. Null: it is not set, so the route answers 404. */
  readonly token: string | null;
  readonly guards: Pick<RouteGuards, "attempts" | "ingress" | "jsonBody">;
  readonly publisher: Pick<Publisher, "publishNotifications">;
}

/** `POST /ingress/notifications`: what upstream says happened, handed in over HTTP instead of CometD. */
export function ingressRoutes({ token, guards, publisher }: IngressRoutesDependencies) {
  return new Hono<AppEnv>().post(
    "/ingress/notifications",
    guards.attempts,
    requireBearer(token),
    guards.ingress("notifications"),
    guards.jsonBody({ maxBytes: MAX_BODY_BYTES }),
    async (c) => {
      const read = readNotifications(c.get("body").untrusted);
      if (!read.ok) throw new InvalidBody(read.message);
      const { accepted, duplicates } = await publisher.publishNotifications(read.notifications);
      return c.json({ accepted, duplicates }, 202);
    },
  );
}

/** Before the body is read, so that a stranger cannot make us read one. */
function requireBearer(token: string | null) {
  const secret = token === null ? null : createBearerSecret(token);
  return createMiddleware<AppEnv>(async function requireNotificationsToken(c, next) {
    if (secret === null) {
      throw new NotFound(
        "Cannot find anything at this path: expected NOTIFICATIONS_TOKEN to be set",
      );
    }
    const verdict = secret(c.req.header("authorization"));
    if (verdict === "none") {
      throw refusal("Cannot take notifications: expected a bearer token", CHALLENGE);
    }
    if (verdict === "wrong") {
      throw refusal(
        "Cannot take notifications: expected the token that Patchbay is configured with",
        `${CHALLENGE}, error="invalid_token"`,
      );
    }
    await next();
  });
}

function refusal(message: string, challenge: string): Unauthenticated {
  return new Unauthenticated(message, { headers: { "www-authenticate": challenge } });
}
