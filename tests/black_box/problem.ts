import assert from "node:assert/strict";
import type { Answer } from "./client.ts";
import { readProblem } from "./shapes.ts";

/** HTTP status and upstream's statusCode of every problem, as DESIGN.md §7 has them. */
const PROBLEMS = {
  "unauthenticated": [401, 20],
  "insufficient-scope": [403, 5],
  "not-your-session": [403, 3],
  "session-held": [409, 19],
  "keys-unavailable": [503, 4],
  "store-unavailable": [503, 4],
  "upstream-unavailable": [502, 4],
  "upstream-timeout": [504, 4],
  "invalid-body": [400, 1],
  "invalid-parameter": [400, 10],
  "body-too-large": [413, 10],
  "unsupported-media-type": [415, 10],
  "range-not-satisfiable": [416, 10],
  "not-found": [404, 6],
  "method-not-allowed": [405, 3],
  "rate-limited": [429, 3],
  "overloaded": [503, 4],
  "idempotency-conflict": [409, 2],
  "idempotency-mismatch": [422, 2],
  "webhook-url-refused": [422, 10],
} as const;

export type ProblemCode = keyof typeof PROBLEMS;

/** The header that a problem cannot do without. */
const NEEDS: Partial<Record<ProblemCode, string>> = {
  "unauthenticated": "www-authenticate",
  "keys-unavailable": "retry-after",
  "store-unavailable": "retry-after",
  "method-not-allowed": "allow",
  "rate-limited": "retry-after",
  "overloaded": "retry-after",
};

/** Asserts that the answer is this problem, with all that RFC 9457 and the contract want of it; gives its `detail`. */
export function assertProblem(answer: Answer, code: ProblemCode): string {
  const [status, statusCode] = PROBLEMS[code];
  assert.equal(answer.status, status, `${code} expected, got ${answer.status} ${answer.text}`);
  assert.match(answer.headers.get("content-type") ?? "", /^application\/problem\+json(;|$)/);
  const problem = readProblem(answer.json());
  assert.equal(problem.type, `/problems/${code}`);
  assert.equal(problem.status, status);
  assert.equal(problem.statusCode, statusCode);
  assert.equal(problem.instance, answer.headers.get("x-request-id"));
  const needed = NEEDS[code];
  if (needed !== undefined) assert.ok(answer.headers.get(needed), `${code} lacks ${needed}`);
  return problem.detail;
}
