import { Hono } from "hono";
import { every } from "hono/combine";
import { requireAgent, requireScope } from "../../middleware/agent_auth.ts";
import type { AppEnv, RouteGuards } from "../../middleware/app_env.ts";
import { createErrorHandler, notFound } from "../../middleware/problem_details.ts";
import { createStaticKeySet } from "../../services/auth/static_key_set.ts";
import { createTokenVerifier } from "../../services/auth/token_verifier.ts";
import { openGuards } from "../support/open_guards.ts";
import { createMemoryLog } from "../support/memory_log.ts";
import { NO_REVOCATIONS } from "../support/no_revocations.ts";
import { createTestKey, TEST_AUDIENCE, TEST_ISSUER } from "../../simulator/kit/tokens.ts";
import { createVirtualClock, type VirtualClock } from "../support/virtual_clock.ts";

/** The guards of DESIGN §5 with real tokens, for testing one file of routes by itself. */
export interface TestGuards {
  readonly clock: VirtualClock;
  readonly guards: RouteGuards;
  /** Request headers of an agent whose token has these scopes. */
  as(agentId: string, ...scopes: string[]): Promise<Record<string, string>>;
}

export async function createTestGuards(): Promise<TestGuards> {
  const clock = createVirtualClock();
  const key = await createTestKey();
  const keySet = createStaticKeySet({
    untrustedText: JSON.stringify(key.jwks),
    algorithms: ["EdDSA"],
    log: createMemoryLog(),
  });
  const verifier = createTokenVerifier({
    keySets: new Map([[TEST_ISSUER, keySet]]),
    revocations: NO_REVOCATIONS,
    policy: {
      audiences: [TEST_AUDIENCE],
      algorithms: ["EdDSA"],
      clockToleranceS: 30,
      agentClaim: "sub",
      scopeClaim: "scope",
    },
    clock,
  });
  return {
    clock,
    guards: {
      agent: (scope) => every(requireAgent({ verifier }), requireScope(scope)),
      ...openGuards({ clock }),
    },
    async as(agentId, ...scopes) {
      const token = await key.sign({ sub: agentId, scope: scopes.join(" ") }, {
        nowMs: clock.now(),
        lifetimeS: 86_400,
      });
      return { authorization: `Bearer ${token}`, "content-type": "application/json" };
    },
  };
}

/** The routes in an app that answers errors like the real one. */
export function appOf(routes: Hono<AppEnv>): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.use(async (c, next) => {
    c.set("requestId", "request-1");
    await next();
  });
  app.onError(createErrorHandler({ log: createMemoryLog() }));
  app.notFound(notFound);
  return app.route("/", routes);
}

/** The `type` of a problem answer, to which the status is checked; reads the body. */
export async function problemOf(answer: Response): Promise<{ code: string; detail: string }> {
  const { type, detail, status } = await answer.json();
  if (status !== answer.status) throw new Error(`Cannot match ${status} with ${answer.status}`);
  return { code: String(type).replace("/problems/", ""), detail };
}
