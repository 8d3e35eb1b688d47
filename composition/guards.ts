import { every } from "hono/combine";
import { requireAgent, requireScope } from "../middleware/agent_auth.ts";
import type { RouteGuards } from "../middleware/app_env.ts";
import { jsonBody } from "../middleware/json_body.ts";
import { rateLimitPerAgent } from "../middleware/rate_limit.ts";
import type { Clock } from "../services/support/clock.ts";
import type { Config } from "../services/config/config.ts";

/** What stands in front of the routes: who calls, with which scope, how often, and what the body may be. */
export function createGuards(
  config: Config,
  verifier: Parameters<typeof requireAgent>[0]["verifier"],
  clock: Clock,
): RouteGuards {
  const verified = requireAgent({ verifier });
  const limited = config.rateLimit === null
    ? null
    : rateLimitPerAgent({ ...config.rateLimit, clock });
  return {
    agent: (scope) => every(verified, requireScope(scope), ...(limited === null ? [] : [limited])),
    jsonBody: (options) => jsonBody({ ...options, clock }),
  };
}
