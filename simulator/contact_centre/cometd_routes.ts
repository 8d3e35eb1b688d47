import { type Context, Hono } from "hono";
import type { CentreEnv } from "./route_context.ts";
import type { Cometd } from "./cometd.ts";
import { readMessages } from "./cometd_exchange.ts";

/**
 * The CometD endpoint with all that is below it, as a servlet is mapped: clients append a slash and `handshake`,
 * `connect`, `disconnect` or nothing.
 */
export function cometdRoutes(cometd: Cometd): Hono<CentreEnv> {
  const routes = new Hono<CentreEnv>();
  routes.post(`${cometd.path}/*`, async (c) => {
    const messages = readMessages(await c.req.text());
    if (messages === null) return c.body(null, 400);
    return await cometd.answer({
      messages,
      agentId: c.get("agentId") || null,
      claimedAgentId: c.get("claimedAgentId"),
      cookies: c.req.header("cookie"),
      exchange: c.env,
      clientGone: c.req.raw.signal,
    });
  });
  return routes;
}

/** Whether a request is one to the CometD endpoint. */
export function isCometdPath({ path }: Pick<Cometd, "path">, target: string): boolean {
  const [asked = ""] = target.split("?", 1);
  return asked === path || asked.startsWith(`${path}/`);
}

/** Whether a request is nothing but a handshake, which CometD itself can deny. */
export async function isHandshake(c: Context<CentreEnv>): Promise<boolean> {
  const messages = readMessages(await c.req.text());
  return messages?.every(({ channel }) => channel === "/meta/handshake") ?? false;
}
