import { endpointOf } from "../http/endpoint.ts";
import { isLocalName } from "./local_names.ts";
import { findNonPublicRange } from "./public_address.ts";

/** The rules of the egress guard: where Patchbay may be sent to by those who register webhooks. */

/** What the operator lets through although the guard would refuse it. */
export interface EgressAllowList {
  /** Whether a host name is on the list, as itself or under a `*.suffix`. */
  readonly hasHost: (host: string) => boolean;
  /** Whether an address (IPv6 without brackets) is on the list, as itself or within a CIDR. */
  readonly hasAddress: (ip: string) => boolean;
  /** Whether there are addresses on the list at all. */
  readonly hasRanges: boolean;
}

/** Where a URL leads: all that the guard goes by. */
export interface Place {
  readonly isSecure: boolean;
  /** A name in lower case without a dot at its end, or an address without brackets. */
  readonly hostname: string;
  readonly port: number;
}

export type UrlVerdict =
  /** `url` is what to connect to: the host in lower case, without a trailing dot. */
  | { readonly ok: true; readonly url: URL }
  /** `reason` is a sentence for the client. */
  | { readonly ok: false; readonly reason: string };

/**
 * The allow list from the entries of EGRESS_ALLOW: CIDRs, addresses, host names and `*.suffix`, which stands for
 * every name below the suffix but not for the suffix itself.
 * @throws {Error} when an entry is a CIDR that cannot be read; `readConfig` lets none pass.
 */
export async function parseEgressAllow(entries: readonly string[]): Promise<EgressAllowList> {
  const addressEntries = entries.filter(isAddressEntry);
  const hosts = entries.filter((entry) => !isAddressEntry(entry)).map((host) => host.toLowerCase());
  return {
    hasHost: (host) =>
      hosts.some((entry) =>
        entry.startsWith("*.") ? host.endsWith(entry.slice(1)) : host === entry
      ),
    hasAddress: addressEntries.length === 0 ? () => false : await matchNetworks(addressEntries),
    hasRanges: addressEntries.length > 0,
  };
}

/**
 * Reads the URL of a webhook as far as no allow list changes anything: an absolute http or https URL without credentials and
 * without a fragment.
 */
export function readWebhookUrl(
  untrustedUrl: string,
): { readonly ok: true; readonly url: URL; readonly place: Place } | (UrlVerdict & { ok: false }) {
  // The URL parser writes every spelling of an IPv4 address (2130706433, 0x7f.1, 127.1) as four decimal parts
  // (WHATWG URL §3.5), so that the guard judges the very address that is connected to.
  const url = URL.parse(untrustedUrl);
  if (url === null) return refuse("Cannot use the webhook URL: expected an absolute https URL");
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    return refuse(wrongScheme(url.protocol.slice(0, -1)));
  }
  if (url.username !== "" || url.password !== "") {
    return refuse("Cannot use a webhook URL with credentials: expected them in its headers");
  }
  if (url.href.includes("#")) {
    return refuse("Cannot use a webhook URL with a fragment: expected none, as it is never sent");
  }
  if (url.hostname.endsWith(".")) url.hostname = url.hostname.slice(0, -1);
  if (url.hostname.split(".").includes("")) {
    const host = JSON.stringify(url.hostname);
    return refuse(`Cannot use the webhook host ${host}: expected a host name`);
  }
  return { ok: true, url, place: endpointOf(url) };
}

/**
 * Why no connection may be made to a place that stands for these addresses; null: it may, to any of them. Without addresses
 * the place is judged by itself: https on port 443 or 8443, and a name that is known outside its network. A host on the allow
 * list, by its name or by every one of its addresses, is let through whatever its scheme and port are. The reason is a
 * sentence for the client, and never tells where a name leads.
 */
export async function refusalOf(
  place: Place,
  addresses: readonly string[],
  allow: EgressAllowList,
): Promise<string | null> {
  const { hostname } = place;
  const isName = literalAddress(hostname) === null;
  if (isName && allow.hasHost(hostname)) return null;
  if (addresses.length > 0 && addresses.every(allow.hasAddress)) return null;
  const reason = judgeScheme(place) ?? judgePort(place) ?? (isName ? judgeName(hostname) : null) ??
    await judgeAddresses(hostname, addresses, allow);
  return reason === null ? null : `${reason}; EGRESS_ALLOW can allow it`;
}

const refuse = (reason: string) => ({ ok: false, reason }) as const;

function judgeScheme({ isSecure }: Place): string | null {
  return isSecure ? null : wrongScheme("http");
}

function wrongScheme(scheme: string): string {
  return `Cannot use a webhook URL of the scheme ${scheme}: expected https`;
}

function judgePort({ port }: Place): string | null {
  return port === 443 || port === 8443
    ? null
    : `Cannot use the webhook port ${port}: expected 443 or 8443`;
}

function judgeName(host: string): string | null {
  return isLocalName(host)
    ? `Cannot use the webhook host ${host}: expected a public name, this one is local`
    : null;
}

async function judgeAddresses(
  host: string,
  addresses: readonly string[],
  allow: EgressAllowList,
): Promise<string | null> {
  for (const address of addresses) {
    const range = allow.hasAddress(address) ? null : await findNonPublicRange(address);
    if (range === null) continue;
    return address === host
      ? `Cannot use the webhook host ${host}: expected a public address, this one is ${range.what}`
      : `Cannot use the webhook host ${host}: expected a name of public addresses alone`;
  }
  return null;
}

/** The address that a host is (IPv6 without brackets); null for a name. */
export function literalAddress(hostname: string): string | null {
  return hostname.includes(":") || /^\d+\.\d+\.\d+\.\d+$/.test(hostname) ? hostname : null;
}

function isAddressEntry(entry: string): boolean {
  return entry.includes(":") || /^[\d.]+(\/\d+)?$/.test(entry);
}

async function matchNetworks(entries: readonly string[]): Promise<(ip: string) => boolean> {
  const { default: ipaddr } = await import("ipaddr.js");
  const networks = entries.map((entry) => {
    if (entry.includes("/")) return ipaddr.parseCIDR(entry);
    const address = ipaddr.parse(entry);
    return [address, address.toByteArray().length * 8] as const;
  });
  return (ip) => {
    // An IPv4-mapped address is on the list either as written or as the IPv4 address that it reaches.
    const spellings = [ipaddr.parse(ip), ipaddr.process(ip)];
    return networks.some(([network, bits]) =>
      spellings.some((address) => address.kind() === network.kind() && address.match(network, bits))
    );
  };
}
