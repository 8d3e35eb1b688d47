import { every } from "hono/combine";
import { requireAgent, requireScope } from "../middleware/agent_auth.ts";
import type { IngressName, RouteGuards, Scope } from "../middleware/app_env.ts";
import { boundAttempts } from "../middleware/attempts.ts";
import { jsonBody } from "../middleware/json_body.ts";
import { rateLimit } from "../middleware/rate_limit.ts";
import { boundWork } from "../middleware/work_bound.ts";
import type { Clock } from "../services/support/clock.ts";
import type { Config } from "../services/config/config.ts";
import type { Logger } from "../services/support/log.ts";
import { createRoom } from "../services/support/room.ts";

/** Requests whose sender is known. While upstream hangs each takes some 130 KiB beside its body. */
const MOST_REQUESTS_AT_ONCE = 2_000;

/** Bytes of such requests' bodies. What is read from a body takes up to some ten times its length. */
const MOST_BODY_BYTES_AT_ONCE = 16 * 1024 * 1024;

/** More than an instance can take: what comes faster is a sender that has lost its way. */
const INGRESS_RATE = { perSecond: 10_000, burst: 20_000 };

/** Nobody mistypes a token so often, and nobody finds one at that pace. */
const ATTEMPTS_RATE = { perSecond: 20, burst: 200 };

const INGRESSES: Readonly<Record<IngressName, string>> = {
  notifications: "notifications",
  texts: "this SMS account",
};

/** What stands in front of the routes: who calls, with which scope, how often, how much at a time, and what the body may be. */
export function createGuards(
  config: Config,
  verifier: Parameters<typeof requireAgent>[0]["verifier"],
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): RouteGuards {
  const verified = requireAgent({ verifier });
  const limits = config.rateLimit === null ? null : agentLimits(config.rateLimit, clock);
  const work = boundWork({ room: createRoom(MOST_REQUESTS_AT_ONCE), log });
  const bodies = createRoom(MOST_BODY_BYTES_AT_ONCE);
  return {
    agent(scope) {
      const limited = limits === null ? [] : [isManaging(scope) ? limits.manager : limits.agent];
      return every(verified, requireScope(scope), ...limited, work);
    },
    attempts: boundAttempts({ ...ATTEMPTS_RATE, clock }),
    ingress: (name) =>
      every(
        rateLimit({
          ...INGRESS_RATE,
          policy: name,
          whose: INGRESSES[name],
          keyOf: () => name,
          clock,
        }),
        work,
      ),
    jsonBody: (options) => jsonBody({ ...options, clock, room: bodies }),
  };
}

/** An agent's two buckets: what it does to webhooks takes nothing from what it does with sessions. */
function agentLimits(rate: NonNullable<Config["rateLimit"]>, clock: Clock) {
  const limit = (policy: string, whose: string) =>
    rateLimit({ ...rate, policy, whose, keyOf: (c) => c.get("agent").id, clock });
  return {
    agent: limit("agent", "this agent"),
    manager: limit("manager", "this manager of webhooks"),
  };
}

function isManaging(scope: Scope): boolean {
  return scope.startsWith("webhooks:");
}
