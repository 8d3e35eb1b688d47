import { Hono } from "hono";
import * as v from "valibot";
import type { CentreEnv, RouteContext } from "./route_context.ts";
import { absoluteUri, type Centre } from "./model.ts";
import { readOperationName } from "./operations.ts";
import { done, type Outcome } from "./outcome.ts";
import { refuse, STATUS } from "./refusals.ts";
import { listSessions } from "./session_routes.ts";

/** The calling agent: who it is, and its contact-centre session. */
export function agentRoutes({ centre, readBody, respond }: RouteContext): Hono<CentreEnv> {
  const routes = new Hono<CentreEnv>();

  routes.get("/me", (c) => {
    const agentId = c.get("agentId");
    const wanted = (c.req.query("subresources") ?? "").split(",");
    const withSessions = wanted.includes("*") || wanted.includes("smssessions");
    const smssessions = withSessions
      ? { smssessions: listSessions(centre, agentId).map(({ resource }) => resource) }
      : {};
    return c.json({ statusCode: 0, user: { ...userResource(centre, agentId), ...smssessions } });
  });

  routes.post("/me", async (c) => {
    const untrustedBody = readBody(await c.req.text());
    return respond(c.env, operateOnAgent(centre, c.get("agentId"), untrustedBody));
  });

  return routes;
}

function userResource(centre: Centre, agentId: string): Record<string, unknown> {
  const path = `/users/${encodeURIComponent(agentId)}`;
  return {
    id: agentId,
    userName: agentId,
    roles: ["ROLE_AGENT"],
    channels: centre.loggedIn.get(agentId) ?? [],
    uri: absoluteUri(centre, path),
    path,
  };
}

const startParameters = v.object({ channels: v.pipe(v.array(v.string()), v.nonEmpty()) });

function operateOnAgent(centre: Centre, agentId: string, untrustedBody: unknown): Outcome {
  const read = readOperationName(untrustedBody);
  if ("kind" in read) return read;
  switch (read.name) {
    case "StartContactCenterSession": {
      const parsed = v.safeParse(startParameters, untrustedBody);
      if (!parsed.success) return refuse(STATUS.missingParameter, "Parameter channels is missing");
      centre.loggedIn.set(agentId, parsed.output.channels);
      return done([]);
    }
    case "EndContactCenterSession":
      return centre.loggedIn.delete(agentId)
        ? done([])
        : refuse(STATUS.wrongState, "The agent has no contact-centre session");
    case "Ready":
    case "NotReady":
      return centre.loggedIn.has(agentId)
        ? done([])
        : refuse(STATUS.wrongState, "The agent has no contact-centre session");
    default:
      return refuse(STATUS.forbidden, `Operation ${read.name} is not known`);
  }
}
