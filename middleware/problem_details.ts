import type { ErrorHandler, NotFoundHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import { NotFound, PatchbayError, type ProblemCode } from "../services/errors.ts";
import type { Logger } from "../services/support/log.ts";
import { storeFailureReason } from "../services/store/failure_reason.ts";
import type { AppEnv } from "./app_env.ts";
import { PROBLEMS } from "./problem_kinds.ts";

/** The statuses that Hono's own middleware throws and that have a code of their own here. */
const CODES_OF_HTTP_EXCEPTIONS: ReadonlyMap<number, ProblemCode> = new Map([
  [401, "unauthenticated"],
  [404, "not-found"],
  [405, "method-not-allowed"],
  [413, "body-too-large"],
  [415, "unsupported-media-type"],
  [429, "rate-limited"],
]);

/** The headers of an {@link HTTPException} that make sense with another body. */
const KEPT_HEADERS = ["allow", "retry-after", "www-authenticate"];

/** Where a log line is cut, so that a message with a payload in it does not flood the log. */
const MAX_STACK_LENGTH = 8_000;

interface Problem {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The answer to an error: RFC 9457 problem details, with upstream's numbering beside. Says nothing of unknown errors. */
export function problemFor(error: unknown, requestId: string): Response {
  const { code, detail, headers } = describe(error);
  const { status, title, statusCode } = PROBLEMS[code];
  const body = {
    type: `/problems/${code}`,
    title,
    status,
    detail,
    instance: requestId,
    statusCode,
    statusMessage: detail,
  };
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      ...headers,
      "content-type": "application/problem+json",
      // Deno Deploy's cache heeds this header, and a problem is about one request only.
      "cache-control": "no-store",
      // Hono drops headers that were set before an error handler answers with a Response of its own.
      "x-request-id": requestId,
    },
  });
}

/**
 * The handler for `app.onError`: answers by {@link problemFor}; logs what is our fault, unknown errors with their stack.
 * That there is too much to do is said once (`boundWork`), not with each request.
 */
export function createErrorHandler({ log }: { readonly log: Logger }): ErrorHandler<AppEnv> {
  return function answerProblem(error, c) {
    const requestId = c.get("requestId");
    const { code, detail } = describe(error);
    if (code === "internal-error") {
      log.error("request.crashed", { requestId, stack: stackOf(error) });
    } else if (PROBLEMS[code].status >= 500 && code !== "overloaded") {
      log.warn("request.failed", { requestId, code, detail, reason: storeFailureReason(error) });
    }
    return problemFor(error, requestId);
  };
}

/** The handler for `app.notFound`. It answers rather than throws: an error here would skip the middleware around it. */
export const notFound: NotFoundHandler<AppEnv> = function notFound(c) {
  const error = new NotFound(
    "Cannot find anything at this path: expected one of the routes in the README",
  );
  return problemFor(error, c.get("requestId"));
};

function describe(error: unknown): Problem {
  if (error instanceof PatchbayError) {
    return { code: error.code, detail: error.message, headers: error.headers };
  }
  if (error instanceof HTTPException && error.status < 500) {
    return {
      code: CODES_OF_HTTP_EXCEPTIONS.get(error.status) ?? "invalid-body",
      detail: error.message || "Cannot read the request: expected a well-formed one",
      headers: keptHeaders(error),
    };
  }
  return {
    code: "internal-error",
    detail: "Cannot answer because of an unexpected error: it is in the log under this instance",
    headers: {},
  };
}

function keptHeaders({ res }: HTTPException): Record<string, string> {
  return Object.fromEntries(
    KEPT_HEADERS.flatMap((name) => {
      const value = res?.headers.get(name);
      return value ? [[name, value]] : [];
    }),
  );
}

function stackOf(error: Error): string {
  const stacks: string[] = [];
  let current: unknown = error;
  // A chain of causes may lead back into itself.
  for (let depth = 0; depth < 5 && current instanceof Error; depth++) {
    stacks.push(current.stack ?? String(current));
    current = current.cause;
  }
  return stacks.join("\nCaused by: ").slice(0, MAX_STACK_LENGTH);
}
