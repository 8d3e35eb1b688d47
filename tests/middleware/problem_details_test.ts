import assert from "node:assert/strict";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { requestId } from "hono/request-id";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { AppEnv } from "../../middleware/app_env.ts";
import { createErrorHandler, notFound, problemFor } from "../../middleware/problem_details.ts";
import { PROBLEMS } from "../../middleware/problem_kinds.ts";
import {
  InvalidParameter,
  MethodNotAllowed,
  PatchbayError,
  type ProblemCode,
  StoreUnavailable,
} from "../../services/errors.ts";
import { createMemoryLog } from "../support/memory_log.ts";

/** The table of DESIGN §7, written down a second time: the code must not drift from it. */
const CONTRACT: [ProblemCode, number, number][] = [
  ["unauthenticated", 401, 20],
  ["insufficient-scope", 403, 5],
  ["not-your-session", 403, 3],
  ["session-held", 409, 19],
  ["keys-unavailable", 503, 4],
  ["store-unavailable", 503, 4],
  ["upstream-unavailable", 502, 4],
  ["upstream-timeout", 504, 4],
  ["invalid-body", 400, 1],
  ["invalid-parameter", 400, 10],
  ["body-too-large", 413, 10],
  ["unsupported-media-type", 415, 10],
  ["not-found", 404, 6],
  ["method-not-allowed", 405, 3],
  ["rate-limited", 429, 3],
  ["overloaded", 503, 4],
  ["idempotency-conflict", 409, 2],
  ["idempotency-mismatch", 422, 2],
  ["webhook-url-refused", 422, 10],
  ["internal-error", 500, 4],
  // What DESIGN's table leaves to RFC 9110 §15.5.9 and §15.5.17, and RFC 6585 §5.
  ["request-timeout", 408, 10],
  ["headers-too-large", 431, 10],
  ["range-not-satisfiable", 416, 10],
];

Deno.test("PROBLEMS holds the codes of the contract and no others", () => {
  assert.deepEqual(Object.keys(PROBLEMS).toSorted(), CONTRACT.map(([code]) => code).toSorted());
});

for (const [code, status, statusCode] of CONTRACT) {
  Deno.test(`problemFor() answers ${code} with status ${status}, statusCode ${statusCode}`, async () => {
    class Sample extends PatchbayError {
      readonly code = code;
    }
    const answer = problemFor(new Sample("Cannot do it: expected more"), "req-1");
    assert.equal(answer.status, status);
    assert.equal(answer.headers.get("content-type"), "application/problem+json");
    assert.equal(answer.headers.get("cache-control"), "no-store");
    assert.equal(answer.headers.get("x-request-id"), "req-1");
    assert.deepEqual(await answer.json(), {
      type: `/problems/${code}`,
      title: PROBLEMS[code].title,
      status,
      detail: "Cannot do it: expected more",
      instance: "req-1",
      statusCode,
      statusMessage: "Cannot do it: expected more",
    });
  });

  Deno.test(`PROBLEMS explains ${code} in one sentence`, () => {
    assert.match(PROBLEMS[code].explanation, /^[A-Z][^.]*\.$/);
  });
}

Deno.test("problemFor() keeps the headers of the error but not over its own", () => {
  const answer = problemFor(
    new InvalidParameter("Cannot do it", {
      headers: { "retry-after": "7", "content-type": "text/html" },
    }),
    "req-1",
  );
  assert.equal(answer.headers.get("retry-after"), "7");
  assert.equal(answer.headers.get("content-type"), "application/problem+json");
  const notAllowed = problemFor(new MethodNotAllowed("PUT", ["GET", "HEAD"]), "req-1");
  assert.equal(notAllowed.headers.get("allow"), "GET, HEAD");
});

const exceptions: [ContentfulStatusCode, ProblemCode][] = [
  [400, "invalid-body"],
  [401, "unauthenticated"],
  [404, "not-found"],
  [405, "method-not-allowed"],
  [413, "body-too-large"],
  [415, "unsupported-media-type"],
  [418, "invalid-body"],
  [429, "rate-limited"],
  [500, "internal-error"],
  [503, "internal-error"],
];
for (const [status, code] of exceptions) {
  Deno.test(`problemFor() answers Hono's HTTPException ${status} as ${code}`, async () => {
    const error = new HTTPException(status, { message: "told by Hono" });
    const { type, detail } = await problemFor(error, "req-1").json();
    assert.equal(type, `/problems/${code}`);
    assert.equal(detail.includes("told by Hono"), code !== "internal-error");
  });
}

Deno.test("problemFor() keeps the challenge of an HTTPException and not its other headers", () => {
  const res = new Response("x", { headers: { "www-authenticate": "Bearer", "x-other": "1" } });
  const answer = problemFor(new HTTPException(401, { res }), "req-1");
  assert.equal(answer.headers.get("www-authenticate"), "Bearer");
  assert.equal(answer.headers.get("x-other"), null);
});

function appThrowing(error: Error) {
  const log = createMemoryLog();
  const app = new Hono<AppEnv>();
  app.use(requestId());
  app.onError(createErrorHandler({ log }));
  app.notFound(notFound);
  app.get("/", () => {
    throw error;
  });
  return { app, log };
}

Deno.test("createErrorHandler() logs an unknown error with its stack and causes, and tells the client nothing", async () => {
  const error = new Error("password is hunter2", { cause: new TypeError("deep down") });
  const { app, log } = appThrowing(error);
  const answer = await app.request("/", { headers: { "x-request-id": "req-7" } });
  assert.equal(answer.status, 500);
  assert.equal(answer.headers.get("x-request-id"), "req-7");
  const text = await answer.text();
  assert.ok(!text.includes("hunter2") && !text.includes(".ts"));
  const [entry] = log.of("request.crashed");
  assert.equal(entry?.level, "error");
  assert.equal(entry?.fields.requestId, "req-7");
  assert.match(String(entry?.fields.stack), /hunter2[\s\S]*_test\.ts[\s\S]*Caused by: TypeError/);
});

Deno.test("createErrorHandler() survives a chain of causes that leads back into itself", async () => {
  const error = new Error("round");
  error.cause = error;
  const { app, log } = appThrowing(error);
  await (await app.request("/")).body?.cancel();
  assert.ok(String(log.of("request.crashed")[0]?.fields.stack).length <= 8_000);
});

Deno.test("createErrorHandler() logs what is our fault in one line and what is the client's not at all", async () => {
  const ours = appThrowing(new StoreUnavailable("read the session"));
  const answer = await ours.app.request("/");
  assert.equal(answer.headers.get("retry-after"), "2");
  await answer.body?.cancel();
  assert.deepEqual(ours.log.entries.map(({ level, event }) => [level, event]), [
    ["warn", "request.failed"],
  ]);
  const theirs = appThrowing(new InvalidParameter("Cannot use nickname: expected text"));
  await (await theirs.app.request("/")).body?.cancel();
  assert.deepEqual(theirs.log.entries, []);
});

Deno.test("notFound() answers a problem and lets the middleware around it finish", async () => {
  const { app } = appThrowing(new Error("unused"));
  const finished: string[] = [];
  app.use(async (c, next) => {
    await next();
    finished.push(String(c.res.status));
  });
  const answer = await app.request("/nowhere?q=1", { headers: { "x-request-id": "req-9" } });
  assert.equal(answer.status, 404);
  const problem = await answer.json();
  assert.equal(problem.type, "/problems/not-found");
  assert.equal(problem.instance, "req-9");
  assert.deepEqual(finished, ["404"]);
});
