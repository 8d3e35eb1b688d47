import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "./app_env.ts";

/** Answers that have no end of their own (WHATWG HTML §9.2). */
const ENDLESS = /^text\/event-stream\b/;

/** Statuses whose answers have no body (Fetch standard, "null body status"). */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * Lets the answer to HEAD tell the length that GET's would have (RFC 9110 §9.3.2), which has to be read off its body: Hono
 * drops it afterwards. Of an answer without an end, or whose route has left its body out, no length is told.
 */
export function headLength(): MiddlewareHandler<AppEnv> {
  return async function headLength(c, next) {
    await next();
    if (c.req.method !== "HEAD") return;
    const { headers, body } = c.res;
    if (body === null || headers.has("content-length")) return;
    if (ENDLESS.test(headers.get("content-type") ?? "")) return await body.cancel();
    headers.set("content-length", String((await c.res.arrayBuffer()).byteLength));
  };
}

/**
 * An app's `fetch`, but for HEAD with no length where none is known: of an answer without a body `Deno.serve` (2.9.6) says
 * that its length is 0, and of one with a stream nothing.
 */
export function untoldLength<Info>(
  fetch: (request: Request, info: Info) => Response | Promise<Response>,
): typeof fetch {
  async function answerHead(request: Request, info: Info): Promise<Response> {
    const answer = await fetch(request, info);
    if (answer.headers.has("content-length") || WITHOUT_BODY.has(answer.status)) return answer;
    return new Response(new Blob().stream(), answer);
  }
  return (request, info) =>
    request.method === "HEAD" ? answerHead(request, info) : fetch(request, info);
}
