import { type Context, Hono, type MiddlewareHandler } from "hono";
import type { Clock } from "../../services/support/clock.ts";
import { playFaults } from "../kit/fault_middleware.ts";
import type { FaultQueue } from "../kit/faults.ts";
import type { InboxOwner } from "../kit/inbox.ts";
import { measureAnswers, type RecordedRequest, recordRequests } from "../kit/request_log.ts";
import type { Exchange } from "../kit/exchange.ts";
import type { AgentDirectory } from "./agents.ts";
import { agentRoutes } from "./agent_routes.ts";
import type { Cometd } from "./cometd.ts";
import { cometdRoutes, isCometdPath, isHandshake } from "./cometd_routes.ts";
import type { Counters } from "./counts.ts";
import type { HttpSessions } from "./http_sessions.ts";
import { type CsrfOptions, identify } from "./identify.ts";
import { type Call, logCalls } from "./call_log.ts";
import type { Centre } from "./model.ts";
import type { Notifier } from "./notifier.ts";
import type { Outcome } from "./outcome.ts";
import { type RefusalHttpStatus, refusalResponse, refuse, STATUS } from "./refusals.ts";
import type { CentreEnv } from "./route_context.ts";
import { readLeniently } from "./lenient_reading.ts";
import { parseJson, sessionRoutes } from "./session_routes.ts";
export interface AppOptions {
  readonly centre: Centre;
  /** What `/control` serves; null: it is not there. */
  readonly control: Hono<{ Bindings: Exchange }> | null;
  readonly notifier: Notifier;
  readonly requests: InboxOwner<RecordedRequest>;
  readonly calls: InboxOwner<Call>;
  readonly faults: FaultQueue;
  readonly clock: Clock;
  readonly directory: AgentDirectory;
  readonly httpSessions: HttpSessions;
  readonly counters: Counters;
  readonly cometd: Cometd;
  /** What a handshake with bad credentials gets. */
  readonly handshakeRefusal: "http" | "bayeux";
  /** Null: off. */
  readonly csrf: CsrfOptions | null;
  readonly refusalHttpStatus: RefusalHttpStatus;
  /** Members and operations are known in any case, and with blanks around them. */
  readonly lenientNames: boolean;
  readonly version: string;
}

/** The Web Services API, as far as SMS sessions need it. */
export function createApp(options: AppOptions): Hono<CentreEnv> {
  const { centre, notifier, refusalHttpStatus } = options;
  const readBody = options.lenientNames ? readLeniently : parseJson;
  function respond(exchange: Exchange, outcome: Outcome): Response {
    if (outcome.kind === "refused") return refusalResponse(outcome, refusalHttpStatus);
    notifier.enqueue(outcome.notifications, exchange.answered);
    const text = outcome.verbatimAnswer ?? JSON.stringify({ statusCode: 0, ...outcome.members });
    return new Response(text, { headers: { "content-type": "application/json" } });
  }

  const app = new Hono<CentreEnv>();
  if (options.control !== null) app.route("/control", options.control);
  app.use(recordRequests(options.requests));
  app.use(logCalls({ ...options, readBody }));
  app.use(playFaults(options.faults, options.clock));
  app.use(measureAnswers());
  app.get(
    "/api/v2/diagnostics/version",
    (c) => c.json({ statusCode: 0, version: options.version }),
  );
  const identified = identifyAll(options);
  app.use("/api/v2/*", identified);
  if (!options.cometd.path.startsWith("/api/v2/")) app.use(`${options.cometd.path}/*`, identified);
  app.route("/", cometdRoutes(options.cometd));
  app.route("/api/v2", agentRoutes({ centre, readBody, respond }));
  app.route("/api/v2", sessionRoutes({ centre, readBody, respond }));
  app.notFound(() =>
    refusalResponse(refuse(STATUS.notFound, "There is no such resource"), refusalHttpStatus)
  );
  return app;
}

function identifyAll(
  { cometd, handshakeRefusal, ...options }: AppOptions,
): MiddlewareHandler<CentreEnv> {
  const isCometd = (c: Context<CentreEnv>) => isCometdPath(cometd, c.req.path);
  return identify({
    ...options,
    isRest: (c) => !isCometd(c),
    admitsNobody: async (c) => handshakeRefusal === "bayeux" && isCometd(c) && await isHandshake(c),
  });
}
