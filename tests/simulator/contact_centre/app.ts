import { Hono, type MiddlewareHandler } from "hono";
import type { Clock } from "../../../services/clock.ts";
import { playFaults } from "../kit/fault_middleware.ts";
import type { FaultQueue } from "../kit/faults.ts";
import type { InboxOwner } from "../kit/inbox.ts";
import { measureAnswers, type RecordedRequest, recordRequests } from "../kit/request_log.ts";
import type { Exchange } from "../kit/exchange.ts";
import type { AgentOf } from "./auth.ts";
import { agentRoutes } from "./agent_routes.ts";
import type { Centre } from "./model.ts";
import type { Notifier } from "./notifier.ts";
import type { Outcome } from "./outcome.ts";
import { type RefusalHttpStatus, refusalResponse, refuse, STATUS } from "./refusals.ts";
import { sessionRoutes } from "./session_routes.ts";

/** The Hono environment of the contact centre. */
export interface CentreEnv {
  Bindings: Exchange;
  Variables: { recorded: RecordedRequest; agentId: string };
}

/** What the routes work with. */
export interface RouteContext {
  readonly centre: Centre;
  /** Turns an outcome into the HTTP answer, and queues its notifications behind that answer. */
  respond(exchange: Exchange, outcome: Outcome): Response;
}

export interface AppOptions {
  readonly centre: Centre;
  readonly notifier: Notifier;
  readonly requests: InboxOwner<RecordedRequest>;
  readonly faults: FaultQueue;
  readonly clock: Clock;
  readonly agentOf: AgentOf;
  readonly refusalHttpStatus: RefusalHttpStatus;
  readonly version: string;
}

/** The Web Services API, as far as SMS sessions need it. */
export function createApp(options: AppOptions): Hono<CentreEnv> {
  const { centre, notifier, refusalHttpStatus } = options;
  function respond(exchange: Exchange, outcome: Outcome): Response {
    if (outcome.kind === "refused") return refusalResponse(outcome, refusalHttpStatus);
    notifier.enqueue(outcome.notifications, exchange.answered);
    const text = outcome.verbatimAnswer ?? JSON.stringify({ statusCode: 0, ...outcome.members });
    return new Response(text, { headers: { "content-type": "application/json" } });
  }

  const app = new Hono<CentreEnv>();
  app.use(recordRequests(options.requests));
  app.use(playFaults(options.faults, options.clock));
  app.use(measureAnswers());
  app.get(
    "/api/v2/diagnostics/version",
    (c) => c.json({ statusCode: 0, version: options.version }),
  );
  app.use("/api/v2/*", requireAgent(options.agentOf, refusalHttpStatus));
  app.route("/api/v2", agentRoutes({ centre, respond }));
  app.route("/api/v2", sessionRoutes({ centre, respond }));
  app.notFound(() =>
    refusalResponse(refuse(STATUS.notFound, "There is no such resource"), refusalHttpStatus)
  );
  return app;
}

function requireAgent(
  agentOf: AgentOf,
  refusalHttpStatus: RefusalHttpStatus,
): MiddlewareHandler<CentreEnv> {
  return async function requireAgent(c, next) {
    const agentId = agentOf(c.req.header("authorization") ?? "");
    if (agentId === null) {
      return refusalResponse(refuse(STATUS.unauthenticated, "Access denied"), refusalHttpStatus);
    }
    c.set("agentId", agentId);
    await next();
  };
}
