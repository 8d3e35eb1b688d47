import type { JSONWebKeySet } from "jose";

export type JwksHandler = (request: Request) => Response | Promise<Response>;

/** A pretended issuer's key-set endpoint on loopback, which answers as the test says. */
export interface JwksServer extends AsyncDisposable {
  readonly url: URL;
  /** How many requests have come. */
  readonly requests: number;
  /** Answers the requests that come from now on with this key set. */
  publish(jwks: JSONWebKeySet): void;
  /** Answers the requests that come from now on by `handler`. */
  answer(handler: JwksHandler): void;
  /** Resolves once `count` requests have come since the start. */
  whenRequested(count: number): Promise<void>;
}

/** Starts it on a port of its own; it answers 404 until told otherwise. */
export function startJwksServer(): JwksServer {
  let handle: JwksHandler = () => new Response(null, { status: 404 });
  let requests = 0;
  let waiting: { readonly count: number; readonly resolve: () => void }[] = [];

  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    requests += 1;
    for (const { count, resolve } of waiting) if (requests >= count) resolve();
    waiting = waiting.filter(({ count }) => requests < count);
    return handle(request);
  });

  return {
    url: new URL(`http://127.0.0.1:${server.addr.port}/jwks.json`),
    get requests() {
      return requests;
    },
    publish: (jwks) => handle = () => Response.json(jwks),
    answer: (handler) => handle = handler,
    whenRequested: (count) =>
      new Promise((resolve) => {
        if (requests >= count) resolve();
        else waiting.push({ count, resolve });
      }),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** A handler that never answers, until the client goes away. */
export const hang: JwksHandler = (request) =>
  new Promise((resolve) => {
    request.signal.addEventListener("abort", () => resolve(new Response(null, { status: 503 })));
  });
