import type { MiddlewareHandler } from "hono";
import type { Exchange } from "./exchange.ts";
import type { InboxOwner } from "./inbox.ts";

/** A request as it came, for tests to assert on. */
export interface RecordedRequest {
  readonly method: string;
  /** The request target as sent: path and query, not normalised. */
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The Hono environment of the simulators. */
export interface SimulatorEnv {
  Bindings: Exchange;
  Variables: { recorded: RecordedRequest };
}

/** Writes down every request before anything else looks at it. */
export function recordRequests(
  requests: InboxOwner<RecordedRequest>,
): MiddlewareHandler<SimulatorEnv> {
  return async function recordRequest(c, next) {
    const bytes = new Uint8Array(await c.req.arrayBuffer());
    const recorded = {
      method: c.req.method,
      path: c.env.target,
      headers: c.req.raw.headers,
      body: new TextDecoder().decode(bytes),
      bytes,
    };
    c.set("recorded", recorded);
    requests.add(recorded);
    await next();
  };
}

/** Gives ordinary answers their content-length, as the simulated servers do; streamed ones stay chunked. */
export function measureAnswers(): MiddlewareHandler<SimulatorEnv> {
  return async function measureAnswer(c, next) {
    await next();
    if (c.res.body === null) return;
    const bytes = await c.res.arrayBuffer();
    const headers = new Headers(c.res.headers);
    headers.set("content-length", String(bytes.byteLength));
    const measured = new Response(bytes, { status: c.res.status, headers });
    c.res = undefined;
    c.res = measured;
  };
}
