import { type Context, Hono } from "hono";
import type { AppEnv, RouteGuards } from "../middleware/app_env.ts";
import { InvalidBody, InvalidParameter } from "../services/errors.ts";
import { type Operation, readOperation } from "../services/sessions/operations.ts";
import type { SessionService } from "../services/sessions/sessions.ts";
import type { Upstream } from "../services/upstream/upstream.ts";
import {
  answerWith,
  MAX_PROXIED_BODY_BYTES,
  pathAgentId,
  pathId,
  upstreamRequest,
} from "./proxied.ts";

export interface SmsSessionRoutesDependencies {
  readonly guards: RouteGuards;
  readonly sessions: Pick<SessionService, "accept" | "operate" | "intrude" | "read">;
  readonly upstream: Upstream;
}

/** The SMS Session API as agents use it: upstream's own paths, bodies and answers (DESIGN §5 and §6). */
export function smsSessionRoutes(
  { guards, sessions, upstream }: SmsSessionRoutesDependencies,
): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const body = guards.jsonBody({ maxBytes: MAX_PROXIED_BODY_BYTES });

  // Accept, and every other operation of an agent on a session.
  routes.post("/api/v2/me/smssessions/:id", guards.agent("sms:operate"), body, async (c) => {
    const sessionId = pathId(c, "id");
    const operation = operationIn(c);
    const path = `/api/v2/me/smssessions/${sessionId}`;
    const call = { sessionId, operation, ...callBy(c, "POST", path) };

    switch (operation.effect) {
      case "accept":
        return answerWith(await sessions.accept(call));
      case "join":
        // Here it would let an agent into any session without the supervisor's scope.
        throw new InvalidParameter(
          `Cannot do ${operation.name} here: expected POST /api/v2/users/{userId}/smssessions/{id}`,
        );
      default:
        return answerWith(await sessions.operate(call));
    }
  });

  // Intrude: a supervisor joins a session of the user named in the path.
  routes.post(
    "/api/v2/users/:userId/smssessions/:id",
    guards.agent("sms:supervise"),
    body,
    async (c) => {
      const userId = pathAgentId(c, "userId");
      const sessionId = pathId(c, "id");
      const operation = operationIn(c);
      if (operation.name !== "Intrude") {
        throw new InvalidParameter("Cannot do this operation here: expected operationName Intrude");
      }
      const path = `/api/v2/users/${userId}/smssessions/${sessionId}`;
      return answerWith(
        await sessions.intrude({ sessionId, operation, ...callBy(c, "POST", path) }),
      );
    },
  );

  routes.get("/api/v2/me/smssessions", guards.agent("sms:operate"), async (c) => {
    const { request } = callBy(c, "GET", "/api/v2/me/smssessions");
    return answerWith(await upstream.call(request));
  });

  for (const subresource of ["", "/messages"]) {
    routes.get(
      `/api/v2/me/smssessions/:id${subresource}`,
      guards.agent("sms:operate"),
      async (c) => {
        const sessionId = pathId(c, "id");
        const path = `/api/v2/me/smssessions/${sessionId}${subresource}`;
        return answerWith(await sessions.read({ sessionId, ...callBy(c, "GET", path) }));
      },
    );
  }

  return routes;
}

/** Who calls, and the request to forward for them. */
function callBy(c: Context<AppEnv>, method: "GET" | "POST", path: string) {
  return { agentId: c.get("agent").id, request: upstreamRequest(c, method, path) };
}

function operationIn(c: Context<AppEnv>): Operation {
  const read = readOperation(c.get("body").untrustedJson);
  if (read.ok) return read;
  throw read.code === "invalid-body"
    ? new InvalidBody(read.message)
    : new InvalidParameter(read.message);
}
