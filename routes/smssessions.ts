import { type Context, Hono, type Next } from "hono";
import type { AppEnv, RouteGuards } from "../middleware/app_env.ts";
import { idempotent } from "../middleware/idempotency.ts";
import { InvalidParameter } from "../services/errors.ts";
import type { Idempotency } from "../services/idempotency/idempotency.ts";
import { type Operation, readOperation } from "../services/contact_centre/dialect/operations.ts";
import {
  API_ROOT,
  COLLECTION_SPELLINGS,
  ME,
  messagesPath,
  OWN_SESSIONS,
  ownSessionPath,
  userSessionPath,
} from "../services/contact_centre/dialect/paths.ts";
import type { SessionService } from "../services/sessions/sessions.ts";
import type { OwnReads } from "../services/sessions/own_reads.ts";
import { pathAgentId, pathSessionId } from "./ids.ts";
import {
  answerWith,
  MAX_PROXIED_BODY_BYTES,
  operationRefusal,
  upstreamRequest,
} from "./proxied.ts";

export interface SmsSessionRoutesDependencies {
  readonly guards: RouteGuards;
  readonly idempotency: Pick<Idempotency, "once">;
  readonly sessions: Pick<SessionService, "accept" | "operate" | "intrude" | "read">;
  readonly ownReads: OwnReads;
}

/** The SMS Session API as agents use it: upstream's own paths, bodies and answers (DESIGN §5 and §6). */
export function smsSessionRoutes(
  { guards, idempotency, sessions, ownReads }: SmsSessionRoutesDependencies,
): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const body = guards.jsonBody({ maxBytes: MAX_PROXIED_BODY_BYTES });
  const once = idempotent({ idempotency });

  // Upstream is sent one spelling, whichever came.
  for (const collection of COLLECTION_SPELLINGS) {
    const own = `${API_ROOT}${ME}/${collection}`;

    // Accept, and every other operation of an agent on a session.
    routes.post(
      `${own}/:id`,
      guards.agent("sms:operate"),
      body,
      readAgentOperation,
      once,
      async (c) => {
        const call = operationCall(c);
        return answerWith(
          call.operation.effect === "accept"
            ? await sessions.accept(call)
            : await sessions.operate(call),
        );
      },
    );

    // Intrude: a supervisor joins a session of the user named in the path.
    routes.post(
      `${API_ROOT}/users/:userId/${collection}/:id`,
      guards.agent("sms:supervise"),
      body,
      readIntrude,
      once,
      async (c) => answerWith(await sessions.intrude(operationCall(c))),
    );

    routes.get(own, guards.agent("sms:operate"), async (c) => {
      return answerWith(await ownReads(upstreamRequest(c, "GET", API_ROOT + OWN_SESSIONS)));
    });

    for (
      const [route, pathOf] of [
        [`${own}/:id`, ownSessionPath],
        [`${own}/:id/messages`, messagesPath],
      ] as const
    ) {
      routes.get(route, guards.agent("sms:operate"), async (c) => {
        const sessionId = pathSessionId(c, "id");
        const request = upstreamRequest(c, "GET", API_ROOT + pathOf(sessionId));
        return answerWith(
          await sessions.read({ agentId: c.get("agent").id, sessionId, request }),
        );
      });
    }
  }

  return routes;
}

async function readAgentOperation(c: Context<AppEnv>, next: Next): Promise<void> {
  const sessionId = pathSessionId(c, "id");
  const operation = operationIn(c);
  if (operation.effect === "join") {
    // Here it would let an agent into any session without the supervisor's scope.
    throw new InvalidParameter(
      `Cannot do ${operation.name} here: expected POST /api/v2/users/{userId}/smssessions/{id}`,
    );
  }
  const path = API_ROOT + ownSessionPath(sessionId);
  c.set("sessionOperation", { operation, sessionId, path });
  await next();
}

async function readIntrude(c: Context<AppEnv>, next: Next): Promise<void> {
  const userId = pathAgentId(c, "userId");
  const sessionId = pathSessionId(c, "id");
  const operation = operationIn(c);
  if (operation.effect !== "join") {
    throw new InvalidParameter("Cannot do this operation here: expected operationName Intrude");
  }
  const path = API_ROOT + userSessionPath(userId, sessionId);
  c.set("sessionOperation", { operation, sessionId, path });
  await next();
}

function operationIn(c: Context<AppEnv>): Operation {
  const read = readOperation(c.get("body").untrustedJson);
  if (read.ok) return read;
  throw operationRefusal(read);
}

/** Who asks for what, and the request to forward for them. */
function operationCall(c: Context<AppEnv>) {
  const { operation, sessionId, path } = c.get("sessionOperation");
  // Once it is sent upstream acts on it, whether or not anybody hears the answer. So it is heard here to its end, which
  // UPSTREAM_TIMEOUT_MS bounds.
  if (operation.effect !== "none") c.set("outlivesClient", true);
  return {
    agentId: c.get("agent").id,
    sessionId,
    operation,
    request: upstreamRequest(c, "POST", path),
  };
}
