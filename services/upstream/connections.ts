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

/** Connections that are closed before upstream does. */
export function openUpstreamConnections(
  { fetch, idleMs = POOL_IDLE_MS }: {
    readonly fetch: typeof globalThis.fetch;
    readonly idleMs?: number;
  },
): UpstreamConnections {
  const client = Deno.createHttpClient({ poolIdleTimeout: idleMs });
  return {
    fetch: (input, init) => fetch(input, { ...init, client }),
    close: () => client.close(),
  };
}
