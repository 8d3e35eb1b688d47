import type { MiddlewareHandler } from "hono";
import {
  InvalidParameter,
  PatchbayError,
  UpstreamTimeout,
  UpstreamUnavailable,
} from "../services/errors.ts";
import type { Idempotency } from "../services/idempotency/idempotency.ts";
import type { KeptAnswer } from "../services/idempotency/sealed_answer.ts";
import { readIdempotencyKey } from "../services/idempotency/key.ts";
import type { AppEnv } from "./app_env.ts";

/**
 * Acts on a request with an `Idempotency-Key` once, and repeats its answer with `idempotency-replayed: true`. Stands right before
 * the handler, so that what can be found wrong beforehand costs no key; needs `agent`, `body` and `sessionOperation`.
 * Without the header it does nothing at all.
 *
 * @throws InvalidParameter, IdempotencyConflict, IdempotencyMismatch, StoreUnavailable
 */
export function idempotent(
  { idempotency }: { readonly idempotency: Pick<Idempotency, "once"> },
): MiddlewareHandler<AppEnv> {
  return async function idempotent(c, next) {
    const untrustedHeader = c.req.header("idempotency-key");
    if (untrustedHeader === undefined) return await next();
    const key = readIdempotencyKey(untrustedHeader);
    if (key === null) {
      throw new InvalidParameter(
        "Cannot use the Idempotency-Key: expected 1 to 255 visible ASCII characters, bare or as a quoted string",
      );
    }
    // A client that hung up asks again, and is to get the answer and not that it hung up.
    c.set("outlivesClient", true);
    const { sessionId, path } = c.get("sessionOperation");
    const { bytes } = c.get("body");
    const request = {
      agentId: c.get("agent").id,
      sessionId,
      path,
      search: searchOf(c.req.raw.url),
      key,
      body: bytes,
    };
    const { answer, replayed } = await idempotency.once(request, async () => {
      // A handler that throws has been answered by the error handler when this returns.
      await next();
      return {
        answer: await copyOf(c.res),
        mayHaveReachedUpstream: mayHaveReachedUpstream(c.error),
      };
    });
    if (replayed) return repeated(answer);
  };
}

function searchOf(url: string): string {
  const start = url.indexOf("?");
  return start === -1 ? "" : url.slice(start);
}

/**
 * Without an error it is upstream's own answer. Our refusals come before anything is forwarded; what nobody foresaw may have come
 * at any time.
 */
function mayHaveReachedUpstream(error: Error | undefined): boolean {
  if (error instanceof UpstreamUnavailable) return error.reached === "maybe";
  return !(error instanceof PatchbayError) || error instanceof UpstreamTimeout;
}

async function copyOf(answer: Response): Promise<KeptAnswer> {
  const body = new Uint8Array(await answer.clone().arrayBuffer());
  // The id is of one request; who repeats it has another.
  const headers = [...answer.headers].filter(([name]) => name !== "x-request-id");
  return { status: answer.status, headers, body };
}

function repeated({ status, headers, body }: KeptAnswer): Response {
  // Some statuses must have no body, not even an empty one (Fetch standard, "null body status").
  const answer = new Response(body.byteLength === 0 ? null : body, { status });
  for (const [name, value] of headers) answer.headers.set(name, value);
  answer.headers.set("idempotency-replayed", "true");
  return answer;
}
