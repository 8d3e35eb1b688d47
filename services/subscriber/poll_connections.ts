import { POOL_IDLE_MS, type UpstreamConnections } from "../upstream/connections.ts";

/**
 * Connections for long polls, one poll each. Over HTTP/2 all polls would share one connection, whose number of streams
 * upstream or the proxy in front of it bounds, to 100 as often as not (RFC 9113 §6.5.2): the rest would wait for each other.
 */
export function openPollConnections(
  { fetch }: { readonly fetch: typeof globalThis.fetch },
): UpstreamConnections {
  const client = Deno.createHttpClient({
    http1: true,
    http2: false,
    poolIdleTimeout: POOL_IDLE_MS,
  });
  return {
    fetch: (input, init) => fetch(input, { ...init, client }),
    close: () => client.close(),
  };
}
