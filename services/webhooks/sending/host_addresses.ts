import type { Clock } from "../../support/clock.ts";
import { literalAddress } from "../../egress/egress.ts";
import { createLruMap } from "../../support/lru_map.ts";

/** What the names of webhooks' hosts stand for: for the attempt log only, no connection goes by it. */
export interface HostAddresses {
  /**
   * Begins to look up the host of a URL, beside the request. The returned function tells what is known by the time it
   * is called: null where nothing is. No attempt waits for it, and none fails because of it.
   */
  lookUp(url: string): () => string | null;
}

const MAX_HOSTS = 1_000;
const MAX_AGE_MS = 30_000;

/** Addresses by way of `resolve`, which may reject; each answer, that there is none too, is kept for 30 s. */
export function createHostAddresses(
  { resolve, clock }: {
    readonly resolve: (host: string) => Promise<string | null>;
    readonly clock: Clock;
  },
): HostAddresses {
  const hosts = createLruMap<string, { readonly atMs: number; address: string | null }>(MAX_HOSTS);

  return {
    lookUp(url) {
      const { hostname } = new URL(url);
      const literal = literalAddress(hostname);
      if (literal !== null) return () => literal;

      const nowMs = clock.now();
      const kept = hosts.get(hostname);
      if (kept !== undefined && nowMs - kept.atMs < MAX_AGE_MS) return () => kept.address;
      const entry = { atMs: nowMs, address: kept?.address ?? null };
      hosts.set(hostname, entry);
      resolve(hostname).then(
        (address) => entry.address = address,
        () => entry.address = null,
      );
      return () => entry.address;
    },
  };
}
