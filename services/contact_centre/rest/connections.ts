/** Upstream's connections, apart from those of everything else that is fetched. */
export interface UpstreamConnections {
  /** Fetches over them. */
  readonly fetch: typeof fetch;
  /** Closes those that are idle. */
  close(): void;
}

/**
 * How long an unused connection is kept. Upstream's Jetty closes one after 30 s (`idleTimeout` of its sample
 * application.yaml), Deno's fetch would keep it for 90 s: a POST could then leave on a connection that is just being
 * closed, and nobody would know whether upstream has acted on it.
 */
export const POOL_IDLE_MS = 20_000;

/** Connections that are closed before upstream does. With `http2: false` each carries one exchange at a time. */
export function openUpstreamConnections(
  { fetch, idleMs = POOL_IDLE_MS, http2 = true }: {
    readonly fetch: typeof globalThis.fetch;
    readonly idleMs?: number;
    readonly http2?: boolean;
  },
): UpstreamConnections {
  const client = Deno.createHttpClient({ poolIdleTimeout: idleMs, http2 });
  return {
    fetch: (input, init) => fetch(input, { ...init, client }),
    close: () => client.close(),
  };
}
