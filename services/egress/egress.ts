import { findNonPublicRange } from "./public_address.ts";

/**
 * The egress guard: where Patchbay may be sent to by those who register webhooks. It judges a URL by itself, at the
 * registration; what its host name resolves to is not looked at.
 */

/** What the operator lets through although the guard would refuse it. */
export interface EgressAllowList {
  /** Whether a host name is on the list, as itself or under a `*.suffix`. */
  readonly hasHost: (host: string) => boolean;
  /** Whether an address (IPv6 without brackets) is on the list, as itself or within a CIDR. */
  readonly hasAddress: (ip: string) => boolean;
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
  };
}

/**
 * Judges the URL of a webhook about to be registered: https on port 443 or 8443, no credentials, no fragment, and a
 * host that is neither a non-public address nor a name that never leaves the machine or its network. Being on the
 * allow list lifts the rules on scheme, port and host.
 */
export async function judgeWebhookUrl(
  untrustedUrl: string,
  allow: EgressAllowList,
): Promise<UrlVerdict> {
  // The URL parser writes every spelling of an IPv4 address (2130706433, 0x7f.1, 127.1) as four decimal parts
  // (WHATWG URL §3.5), so that the guard judges the very address that is connected to.
  const url = URL.parse(untrustedUrl);
  if (url === null) return refuse("Cannot use the webhook URL: expected an absolute https URL");
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    return refuse(wrongScheme(url));
  }
  if (url.username !== "" || url.password !== "") {
    return refuse("Cannot use a webhook URL with credentials: expected them in its headers");
  }
  if (url.href.includes("#")) {
    return refuse("Cannot use a webhook URL with a fragment: expected none, as it is never sent");
  }
  if (url.hostname.endsWith(".")) url.hostname = url.hostname.slice(0, -1);

  const ip = literalAddress(url.hostname);
  const allowed = ip === null
    ? allow.hasHost(url.hostname) || (url.hostname === "localhost" && allow.hasAddress(LOOPBACK))
    : allow.hasAddress(ip);
  const reason = allowed ? null : judgeScheme(url) ?? judgePort(url) ??
    (ip === null ? judgeName(url.hostname) : await judgeAddress(ip));
  return reason === null ? { ok: true, url } : refuse(reason);
}

/** The address of `localhost`, the one name that needs no resolver (RFC 6761 §6.3). */
const LOOPBACK = "127.0.0.1";

const refuse = (reason: string): UrlVerdict => ({ ok: false, reason });

function judgeScheme(url: URL): string | null {
  return url.protocol === "https:" ? null : wrongScheme(url);
}

function wrongScheme({ protocol }: URL): string {
  return `Cannot use a webhook URL of the scheme ${protocol.slice(0, -1)}: expected https`;
}

const PORTS = ["", /* 443, which the URL parser leaves out */ "8443"];

function judgePort({ port }: URL): string | null {
  return PORTS.includes(port) ? null : `Cannot use the webhook port ${port}: expected 443 or 8443`;
}

/** Names below these resolve on the machine or in its network only (RFC 6761 §6.3, RFC 6762 §3, ICANN 2024-07-29). */
const LOCAL_SUFFIXES = ["localhost", "local", "internal"];

function judgeName(host: string): string | null {
  if (host.split(".").includes("")) {
    return `Cannot use the webhook host ${JSON.stringify(host)}: expected a host name`;
  }
  return LOCAL_SUFFIXES.some((suffix) => `.${host}`.endsWith(`.${suffix}`))
    ? `Cannot use the webhook host ${host}: expected a public name, this one is local`
    : null;
}

async function judgeAddress(ip: string): Promise<string | null> {
  const range = await findNonPublicRange(ip);
  return range === null
    ? null
    : `Cannot use the webhook host ${ip}: expected a public address, this one is ${range.what}`;
}

/** The address in a URL's host (`URL.hostname`), IPv6 without its brackets; null for a name. */
export function literalAddress(hostname: string): string | null {
  if (hostname.startsWith("[")) return hostname.slice(1, -1);
  return /^\d+\.\d+\.\d+\.\d+$/.test(hostname) ? hostname : null;
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
