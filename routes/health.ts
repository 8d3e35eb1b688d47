import { Hono } from "hono";
import type { AppEnv } from "../middleware/app_env.ts";
import { type ProblemKind, PROBLEMS } from "../middleware/problem_kinds.ts";
import type { Clock } from "../services/support/clock.ts";
import { NotFound } from "../services/errors.ts";
import type { Logger } from "../services/support/log.ts";

/** How long one answer of the store counts: however often a load balancer asks, the store hears little of it. */
const STORE_ANSWER_MS = 2_000;

export interface HealthRoutesDependencies {
  readonly clock: Clock;
  readonly log: Logger;
  /** Resolves when the store answers, rejects when it does not, in bounded time (`Store.ping`). */
  readonly pingStore: () => Promise<void>;
  /** Whether there is a key set to verify tokens with. */
  readonly keysLoaded: () => boolean;
  /** Whether the program is on its way out. */
  readonly draining: () => boolean;
  /** What does not work although the rest does, by part: `{"sms": "stopped: 20003"}`. Absent or empty: nothing. */
  readonly degraded?: () => Readonly<Record<string, string>>;
}

/**
 * `GET /healthz`: the process is up. `GET /readyz`: it can do its work; 503 says what is missing. What is merely degraded
 * is named in a 200: a load balancer that took the instance away would take the proxy away with it.
 * `GET /problems/{code}`: what the `type` of an error answer points to.
 */
export function healthRoutes(
  { clock, log, pingStore, keysLoaded, draining, degraded = () => ({}) }: HealthRoutesDependencies,
) {
  const storeAnswers = createStoreProbe({ clock, log, pingStore });
  const routes = new Hono<AppEnv>();

  routes.get("/healthz", (c) => c.json({ status: "up" }, 200, NO_STORE));

  routes.get("/readyz", async (c) => {
    const missing = [
      ...(draining() ? ["not draining"] : []),
      ...(keysLoaded() ? [] : ["key set"]),
      ...(await storeAnswers() ? [] : ["store"]),
    ];
    if (missing.length > 0) return c.json({ status: "not ready", missing }, 503, NO_STORE);
    const parts = degraded();
    const status = Object.keys(parts).length === 0 ? "ready" : "degraded";
    return c.json({ status, ...parts }, 200, NO_STORE);
  });

  routes.get("/problems/:code", (c) => {
    const code = c.req.param("code");
    const problem = problems.get(code);
    if (problem === undefined) {
      throw new NotFound("Cannot explain this problem: expected the code of one");
    }
    const { title, status, statusCode, explanation } = problem;
    return c.json({ type: `/problems/${code}`, title, status, statusCode, explanation });
  });

  return routes;
}

const problems: ReadonlyMap<string, ProblemKind> = new Map(Object.entries(PROBLEMS));

const NO_STORE = { "cache-control": "no-store" } as const;

/** Asks the store at most once per {@link STORE_ANSWER_MS}; who asks meanwhile shares the question and its answer. */
function createStoreProbe(
  { clock, log, pingStore }: Pick<HealthRoutesDependencies, "clock" | "log" | "pingStore">,
): () => Promise<boolean> {
  let answer: Promise<boolean> | null = null;
  let askedAtMs = 0;

  async function ask(): Promise<boolean> {
    try {
      await pingStore();
      return true;
    } catch (cause) {
      // The reason is for the operator: the answer to an open route names the part only.
      log.warn("store.unreachable", { reason: String(cause) });
      return false;
    }
  }

  return () => {
    const nowMs = clock.now();
    if (answer === null || nowMs - askedAtMs >= STORE_ANSWER_MS) {
      askedAtMs = nowMs;
      answer = ask();
    }
    return answer;
  };
}
