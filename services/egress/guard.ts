import { NotSent } from "../http/network_failure.ts";
import type { Resolve } from "../http/resolver.ts";
import {
  type EgressAllowList,
  literalAddress,
  type Place,
  readWebhookUrl,
  refusalOf,
  type UrlVerdict,
} from "./egress.ts";

/** The egress guard with a resolver: it judges what a URL's name stands for, and not the name alone. */
export interface EgressGuard {
  /**
   * Judges the URL of a webhook about to be registered. A name that cannot be looked up now is taken: it is judged with each
   * connection, and none is made without.
   */
  judgeUrl(untrustedUrl: string): Promise<UrlVerdict>;
  /** The addresses that may be dialled for a place, every one of them judged. Rejects with `NotSent`. */
  addressesOf(place: Place, signal: AbortSignal): Promise<readonly string[]>;
  /** The same for a proxy, which resolves names on the allow list by itself. */
  hostsOf(place: Place, signal: AbortSignal): Promise<readonly string[]>;
}

const LOOPBACK = ["127.0.0.1", "::1"];

export interface EgressGuardOptions {
  readonly allow: EgressAllowList;
  /** For a connection. */
  readonly resolve: Resolve;
  /** For somebody who waits to have a webhook registered. */
  readonly resolveSoon: Resolve;
}

export function createEgressGuard(
  { allow, resolve, resolveSoon }: EgressGuardOptions,
): EgressGuard {
  /** What a place's host stands for; none where it need not be asked for, as it is refused whatever it stands for. */
  async function resolved(place: Place, resolve: Resolve, signal?: AbortSignal) {
    const { hostname } = place;
    const literal = literalAddress(hostname);
    if (literal !== null) return [literal];
    if (allow.hasHost(hostname)) return await resolve(hostname, signal);
    // The one name that needs no resolver (RFC 6761 §6.3) stands for those of its addresses that are allowed.
    if (hostname === "localhost") return LOOPBACK.filter(allow.hasAddress);
    const isRefusedAnyway = !allow.hasRanges && await refusalOf(place, [], allow) !== null;
    return isRefusedAnyway ? [] : await resolve(hostname, signal);
  }

  async function addressesOf(place: Place, signal: AbortSignal): Promise<readonly string[]> {
    const addresses = await resolved(place, resolve, signal);
    const reason = await refusalOf(place, addresses, allow);
    if (reason !== null) throw new NotSent("egress-refused", reason);
    return addresses;
  }

  return {
    async judgeUrl(untrustedUrl) {
      const reading = readWebhookUrl(untrustedUrl);
      if (!reading.ok) return reading;
      const addresses = await resolved(reading.place, resolveSoon).catch((error) => {
        if (error instanceof NotSent) return [];
        throw error;
      });
      const reason = await refusalOf(reading.place, addresses, allow);
      return reason === null ? { ok: true, url: reading.url } : { ok: false, reason };
    },
    addressesOf,
    hostsOf: async (place, signal) =>
      allow.hasHost(place.hostname) ? [place.hostname] : await addressesOf(place, signal),
  };
}
