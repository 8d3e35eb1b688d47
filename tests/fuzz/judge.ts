import { personalIn } from "../support/log_guard.ts";
import { canaryIn, SECRETS } from "./canaries.ts";
import type { FuzzRequest } from "./requests.ts";
import type { WireAnswer } from "./wire.ts";

/** By which an answer of the upstream that stands in is known, as it is passed on as it comes. */
export const UPSTREAM_MARK = "the upstream that stands in";

/** What the contact centre or its absence makes of a request is not of our making. */
const UPSTREAMS_PROBLEMS: ReadonlySet<string> = new Set([
  "/problems/upstream-unavailable",
  "/problems/upstream-timeout",
]);

/** What is wrong with an answer; null: nothing. */
export function faultOf(request: FuzzRequest, answer: WireAnswer | null): string | null {
  if (answer === null) return "the connection ended without an answer";
  const { status, headers, body } = answer;
  if (body.includes(UPSTREAM_MARK)) return null;
  const isHead = request.method === "HEAD";
  const problem = problemIn(answer);
  // Of an answer without a body nobody can tell whether it comes from beyond.
  if (isHead && /^\/(?:api\/v2|v1\/media)\//.test(request.target)) return null;
  if (status >= 500 && !(problem !== null && UPSTREAMS_PROBLEMS.has(problem.type))) {
    return `status ${status}: ${body.slice(0, 300)}`;
  }
  // What Deno itself answers to what is no HTTP has neither.
  const isOurs = headers.has("x-request-id");
  if (!isOurs && status !== 400) return `status ${status} without x-request-id`;
  if (isOurs && status >= 400 && !isHead) {
    if (problem === null) return `status ${status} without a problem: ${body.slice(0, 300)}`;
    if (problem.status !== status) return `status ${status}, and ${problem.status} in the problem`;
    if (problem.instance !== headers.get("x-request-id")) return "a problem of another request";
  }
  const told = [...headers].map(([name, value]) => `${name}: ${value}`).join("\n") + body;
  const secret = secretIn(told, status);
  return secret === null ? null : `the answer (${status}) tells ${secret}: ${told.slice(0, 600)}`;
}

/** What is wrong with a line of the log; null: nothing. */
export function faultOfLine(line: string): string | null {
  const canary = canaryIn(line) ?? personalIn(line);
  if (canary !== null) return `the log tells ${canary}: ${line}`;
  if (/"event":"request\.crashed"|"stack":|Uncaught|Unhandled/.test(line)) {
    return `the log: ${line}`;
  }
  return null;
}

function secretIn(text: string, status: number): string | null {
  if (status >= 400) return canaryIn(text);
  // Whoever may read events and sessions reads what was said in them.
  const { text: _text, ...others } = SECRETS;
  return Object.values(others).find((secret) => text.includes(secret)) ?? null;
}

function problemIn(
  { headers, body }: WireAnswer,
): { readonly type: string; readonly status: number; readonly instance: string } | null {
  if (headers.get("content-type") !== "application/problem+json") return null;
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}
