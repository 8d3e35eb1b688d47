import type { Context, MiddlewareHandler } from "hono";
import type { AgentDirectory } from "./agents.ts";
import type { CentreEnv } from "./route_context.ts";
import type { Counters } from "./counts.ts";
import { type HttpSession, type HttpSessions, SESSION_COOKIE } from "./http_sessions.ts";
import { type RefusalHttpStatus, refusalResponse, refuse, STATUS } from "./refusals.ts";

/** CSRF protection as upstream has it (`enableCsrfProtection`): the token lives in the HTTP session. */
export interface CsrfOptions {
  /** What the refusal's body is: the bare sentence, the default, or the usual envelope; the documentation leaves it open. */
  readonly refusalBody?: "text" | "json";
}

export interface IdentifyOptions {
  readonly directory: AgentDirectory;
  readonly httpSessions: HttpSessions;
  readonly counters: Counters;
  /** Null: off. */
  readonly csrf: CsrfOptions | null;
  readonly refusalHttpStatus: RefusalHttpStatus;
  /** Whether a request is counted as a REST call. */
  readonly isRest: (c: Context<CentreEnv>) => boolean;
  /** Whether a request is let through although its sender is not known. */
  readonly admitsNobody: (c: Context<CentreEnv>) => Promise<boolean>;
}

const WRITES: ReadonlySet<string> = new Set(["POST", "PUT", "DELETE"]);
const CSRF_HEADER = "X-CSRF-TOKEN";
const CSRF_REFUSAL = "Missing or invalid Csrf token";

/**
 * Tells who calls: by credentials, else by the HTTP session that earlier ones opened. Sets the session's cookie on the
 * first answer, and checks the CSRF token of whatever modifies data.
 */
export function identify(options: IdentifyOptions): MiddlewareHandler<CentreEnv> {
  const { directory, httpSessions, counters, csrf } = options;
  return async function identifyCaller(c, next) {
    const authorization = c.req.header("authorization");
    const known = httpSessions.find(c.req.header("cookie"));
    const proved = authorization === undefined && known !== undefined
      ? known.agentId
      : directory.agentOf(authorization ?? "");
    const agentId = proved === null || directory.isDenied(proved) ? null : proved;
    const claimed = proved ?? directory.claimedBy(authorization ?? "");
    c.set("agentId", agentId ?? "");
    c.set("claimedAgentId", claimed);
    if (options.isRest(c)) counters.add(claimed, "restCalls");
    if (agentId === null) {
      counters.add(claimed, "refused");
      if (await options.admitsNobody(c)) return next();
      return refusalResponse(
        refuse(STATUS.unauthenticated, "Access denied"),
        options.refusalHttpStatus,
      );
    }
    const session = known?.agentId === agentId ? known : httpSessions.open(agentId);
    const isForged = csrf !== null && WRITES.has(c.req.method) &&
      c.req.header(CSRF_HEADER) !== session.csrfToken;
    if (isForged) c.res = csrfRefusal(csrf);
    else await next();
    if (session !== known) {
      c.header("set-cookie", `${SESSION_COOKIE}=${session.id}; Path=/; HttpOnly`, { append: true });
    }
    if (csrf !== null && !isForged) showToken(c, session);
  };
}

function showToken(c: Context<CentreEnv>, { csrfToken }: HttpSession): void {
  c.header("X-CSRF-HEADER", CSRF_HEADER);
  c.header(CSRF_HEADER, csrfToken);
}

function csrfRefusal({ refusalBody = "text" }: CsrfOptions): Response {
  return refusalBody === "text"
    ? new Response(CSRF_REFUSAL, { status: 403 })
    : Response.json({ statusCode: STATUS.forbidden, statusMessage: CSRF_REFUSAL }, { status: 403 });
}
