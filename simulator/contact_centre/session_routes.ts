import { Hono } from "hono";
import { offerToAcceptor } from "./accept_any.ts";
import type { CentreEnv, RouteContext } from "./route_context.ts";
import { absoluteUri, type Centre, findSeat, isLive, sessionPath } from "./model.ts";
import { sessionResource } from "./notifications.ts";
import { operate, readOperationName } from "./operations.ts";
import { done, type Outcome } from "./outcome.ts";
import { refuse, STATUS } from "./refusals.ts";
import { intrude } from "./team_operations.ts";

// Four pages of the documentation spell it with one s less.
const SESSIONS = ":sessions{smss?essions}";

/** SMS sessions: operations and reads. */
export function sessionRoutes({ centre, readBody, respond }: RouteContext): Hono<CentreEnv> {
  const routes = new Hono<CentreEnv>();

  routes.post(`/me/${SESSIONS}/:id`, async (c) => {
    const id = c.req.param("id");
    const untrustedBody = readBody(await c.req.text());
    const agentId = c.get("agentId");
    if (centre.acceptsAny) offerToAcceptor(centre, { id, agentId, untrustedBody });
    const session = centre.sessions.get(id);
    return respond(c.env, operate(centre, { session, agentId, untrustedBody }));
  });

  routes.post(`/users/:userId/${SESSIONS}/:id`, async (c) => {
    const untrustedBody = readBody(await c.req.text());
    const read = readOperationName(untrustedBody);
    if ("kind" in read) return respond(c.env, read);
    if (read.name !== "Intrude") {
      return respond(c.env, refuse(STATUS.forbidden, `Operation ${read.name} is not known here`));
    }
    return respond(
      c.env,
      intrude(centre, {
        session: centre.sessions.get(c.req.param("id")),
        supervisorId: c.get("agentId"),
        userId: c.req.param("userId"),
        untrustedBody,
      }),
    );
  });

  routes.get(`/me/${SESSIONS}`, (c) => {
    const mine = listSessions(centre, c.get("agentId"));
    return c.json(
      c.req.query("fields") === undefined
        ? { statusCode: 0, uris: mine.map(({ path }) => absoluteUri(centre, path)) }
        : { statusCode: 0, smssessions: mine.map(({ resource }) => resource) },
    );
  });

  routes.get(`/me/${SESSIONS}/:id`, (c) => {
    const outcome = readSession(centre, c.get("agentId"), c.req.param("id"));
    return respond(c.env, outcome);
  });

  routes.get(`/me/${SESSIONS}/:id/messages`, (c) => {
    const outcome = readMessages(centre, c.get("agentId"), c.req.param("id"), c.req.query());
    return respond(c.env, outcome);
  });

  return routes;
}

/** The sessions that the agent is invited to or in. */
export function listSessions(
  centre: Centre,
  agentId: string,
): { readonly path: string; readonly resource: Record<string, unknown> }[] {
  return [...centre.sessions.values()].flatMap((session) => {
    const seat = findSeat(centre, session, agentId);
    return seat !== undefined && isLive(seat)
      ? [{ path: sessionPath(session), resource: sessionResource(centre, session, seat) }]
      : [];
  });
}

function readSession(centre: Centre, agentId: string, id: string): Outcome {
  const session = centre.sessions.get(id);
  const seat = session === undefined ? undefined : findSeat(centre, session, agentId);
  if (session === undefined || seat === undefined) {
    return refuse(STATUS.notFound, "The agent has no such session");
  }
  return done([], { smssession: sessionResource(centre, session, seat) });
}

/** `startIndex` is 1-based and 0 means 1; `count` 0 means all (SMSGetMessages). */
function readMessages(
  centre: Centre,
  agentId: string,
  id: string,
  { startIndex = "1", count = "0" }: Record<string, string>,
): Outcome {
  const session = centre.sessions.get(id);
  if (session === undefined || findSeat(centre, session, agentId) === undefined) {
    return refuse(STATUS.notFound, "The agent has no such session");
  }
  for (const [name, value] of Object.entries({ startIndex, count })) {
    if (!/^\d{1,9}$/.test(value)) {
      return refuse(STATUS.invalidValue, `Parameter ${name} is no positive integer`);
    }
  }
  const from = session.log.filter(({ index }) => index >= Number(startIndex));
  const messages = Number(count) === 0 ? from : from.slice(0, Number(count));
  return done([], { messages });
}

/** The body's value, or undefined when it is no JSON: then every parameter is missing. */
export function parseJson(untrustedText: string): unknown {
  try {
    return JSON.parse(untrustedText);
  } catch {
    return undefined;
  }
}
