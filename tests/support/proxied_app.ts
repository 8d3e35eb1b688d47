import { Hono } from "hono";
import type { AppEnv, RouteGuards } from "../../middleware/app_env.ts";
import { reachedAddress } from "../../middleware/reached_address.ts";
import { createErrorHandler, notFound } from "../../middleware/problem_details.ts";
import { meRoutes } from "../../routes/me.ts";
import { smsSessionRoutes } from "../../routes/smssessions.ts";
import { InsufficientScope, Unauthenticated } from "../../services/errors.ts";
import { createContactCentreSessions } from "../../services/sessions/contact_centre_sessions.ts";
import { createOwnReads } from "../../services/sessions/own_reads.ts";
import { UNNOTICED } from "../../services/sessions/work_signals.ts";
import { createIdempotency } from "../../services/idempotency/idempotency.ts";
import { createIds } from "../../services/support/ids.ts";
import { createUpstream } from "../../services/contact_centre/rest/upstream.ts";
import { openGuards } from "./open_guards.ts";
import {
  type ProxiedPath,
  type ProxiedPathOptions,
  UPSTREAM_TIMEOUT_MS,
  withProxiedPath,
} from "./proxied_path.ts";

/** Whose token lacks which scope; every other token has them all. */
const LACKING: Readonly<Record<string, string>> = {
  "agent-1": "sms:supervise",
  "agent-2": "sms:supervise",
  "reader": "sms:operate",
};

/** Stands in for the verified token: `Bearer agent-1` is agent-1. */
const guards: RouteGuards = {
  agent: (scope) => async (c, next) => {
    const id = c.req.header("authorization")?.replace("Bearer ", "");
    if (id === undefined) throw new Unauthenticated("Cannot tell who is calling");
    if (LACKING[id] === scope) throw new InsufficientScope(`Cannot do this without ${scope}`);
    c.set("agent", { id, scopes: new Set([scope]), tokenExpiresAtMs: Infinity });
    await next();
  },
  ...openGuards(),
};

export interface ProxiedApp extends ProxiedPath {
  readonly origin: string;
  readonly app: Hono<AppEnv>;
  /** Resolves once nothing is under way under an idempotency key. */
  settled(): Promise<void>;
  /** Sends as `agent-1` unless `init` says otherwise. */
  send(pathAndQuery: string, init?: RequestInit): Promise<Response>;
  post(pathAndQuery: string, json: unknown, agentId?: string): Promise<Response>;
}

/** The routes of the proxied path, served on loopback over {@link withProxiedPath}. */
export async function withProxiedApp(
  test: (app: ProxiedApp) => Promise<void>,
  options: ProxiedPathOptions = {},
): Promise<void> {
  await withProxiedPath(async (path) => {
    const upstream = createUpstream({
      url: options.upstreamUrl ?? path.upstream.url,
      auth: { mode: "forward" },
      timeoutMs: UPSTREAM_TIMEOUT_MS,
      fetch,
      clock: path.clock,
    });
    const { store } = path.watched;
    const isShared = options.isShared ?? false;
    const ownReads = createOwnReads({ upstream, store, clock: path.clock, isShared });
    const app = new Hono<AppEnv>();
    app.use(async function context(c, next) {
      c.set("requestId", "request-1");
      c.set("clientIp", "192.0.2.7");
      await next();
    });
    app.use(reachedAddress({ trustProxyHops: 0 }));
    const idempotency = createIdempotency({
      records: path.watched.store,
      clock: path.clock,
      ids: createIds(),
      log: path.log,
      upstreamTimeoutMs: UPSTREAM_TIMEOUT_MS,
    });
    app.route("/", smsSessionRoutes({ guards, idempotency, sessions: path.sessions, ownReads }));
    const contactCentre = createContactCentreSessions({ upstream, workSignals: UNNOTICED });
    app.route("/", meRoutes({ guards, ownReads, contactCentre }));
    app.onError(createErrorHandler({ log: path.log }));
    app.notFound(notFound);

    const server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      app.fetch,
    );
    const origin = `http://127.0.0.1:${server.addr.port}`;
    const send = (pathAndQuery: string, init: RequestInit = {}) =>
      fetch(origin + pathAndQuery, {
        redirect: "manual",
        ...init,
        headers: { authorization: "Bearer agent-1", ...init.headers },
      });
    try {
      await test({
        ...path,
        origin,
        app,
        settled: idempotency.settled,
        send,
        post: (pathAndQuery, json, agentId = "agent-1") =>
          send(pathAndQuery, {
            method: "POST",
            body: JSON.stringify(json),
            headers: {
              "content-type": "application/json",
              "authorization": `Bearer ${agentId}`,
            },
          }),
      });
    } finally {
      await server.shutdown();
      await idempotency.settled();
    }
  }, options);
}
