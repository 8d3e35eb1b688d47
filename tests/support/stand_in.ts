/** What a request to a stand-in brings along beside what it says. */
export interface Exchange {
  readonly request: Request;
  /** Resolves when Patchbay hangs up, at the latest when the stand-in closes. */
  readonly over: Promise<void>;
}

/** A server on loopback that closes also while somebody still waits for its answer. */
export interface StandIn extends AsyncDisposable {
  readonly origin: string;
}

/** Serves `handle` on a free port of 127.0.0.1. */
export function serveStandIn(
  handle: (exchange: Exchange) => Response | Promise<Response>,
): StandIn {
  const closing = Promise.withResolvers<void>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { promise: over, resolve } = Promise.withResolvers<void>();
    request.signal.addEventListener("abort", () => resolve(), { once: true });
    // A hang-up goes unnoticed where head and body came in packets of their own: seen with Deno 2.9.6.
    closing.promise.then(resolve);
    // A test that failed on the way may never give the answer that it wanted to hold back for a while.
    const closed = closing.promise.then(() => new Response(null, { status: 500 }));
    return Promise.race([handle({ request, over }), closed]);
  });
  return {
    origin: `http://127.0.0.1:${server.addr.port}`,
    async [Symbol.asyncDispose]() {
      closing.resolve();
      await server.shutdown();
    },
  };
}
