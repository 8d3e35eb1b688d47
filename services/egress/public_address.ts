/** A block of addresses that nobody on the public internet answers from. */
export interface NonPublicRange {
  readonly cidr: string;
  /** Ends the sentence "this one is …". */
  readonly what: string;
}

/**
 * IANA's special-purpose registries (https://www.iana.org/assignments/iana-ipv4-special-registry,
 * …/iana-ipv6-special-registry), multicast, and the addresses under which clouds serve metadata and credentials to
 * their machines. Of IPv6 only 2000::/3 is given out as global unicast (RFC 4291 §2.4), so the rest is one row; the
 * rows before it are there to say what an address is.
 */
export const NON_PUBLIC_RANGES: readonly NonPublicRange[] = [
  { cidr: "0.0.0.0/8", what: "on this network (RFC 1122)" },
  { cidr: "10.0.0.0/8", what: "private (RFC 1918)" },
  { cidr: "100.64.0.0/10", what: "shared by a carrier's customers (RFC 6598)" },
  { cidr: "127.0.0.0/8", what: "loopback (RFC 1122)" },
  { cidr: "169.254.0.0/16", what: "link-local, cloud metadata included (RFC 3927)" },
  { cidr: "172.16.0.0/12", what: "private (RFC 1918)" },
  { cidr: "192.0.0.0/24", what: "for protocol assignments (RFC 6890)" },
  { cidr: "192.0.2.0/24", what: "for documentation (RFC 5737)" },
  { cidr: "192.88.99.0/24", what: "a former 6to4 relay (RFC 7526)" },
  { cidr: "192.168.0.0/16", what: "private (RFC 1918)" },
  { cidr: "198.18.0.0/15", what: "for benchmarks (RFC 2544)" },
  { cidr: "198.51.100.0/24", what: "for documentation (RFC 5737)" },
  { cidr: "203.0.113.0/24", what: "for documentation (RFC 5737)" },
  { cidr: "224.0.0.0/4", what: "multicast (RFC 5771)" },
  { cidr: "240.0.0.0/4", what: "reserved or broadcast (RFC 1112, RFC 919)" },
  // https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
  { cidr: "168.63.129.16/32", what: "Azure's platform address" },
  { cidr: "::/128", what: "unspecified (RFC 4291)" },
  { cidr: "::1/128", what: "loopback (RFC 4291)" },
  { cidr: "64:ff9b::/96", what: "an IPv4 address in disguise, NAT64 (RFC 6052)" },
  { cidr: "64:ff9b:1::/48", what: "an IPv4 address in disguise, local NAT64 (RFC 8215)" },
  { cidr: "100::/64", what: "a black hole (RFC 6666)" },
  { cidr: "2001::/23", what: "for protocol assignments, Teredo included (RFC 2928)" },
  { cidr: "2001:db8::/32", what: "for documentation (RFC 3849)" },
  { cidr: "2002::/16", what: "an IPv4 address in disguise, 6to4 (RFC 3056)" },
  { cidr: "3fff::/20", what: "for documentation (RFC 9637)" },
  { cidr: "5f00::/16", what: "a segment routing identifier (RFC 9602)" },
  // fd00:ec2::254 among them, where AWS serves metadata over IPv6.
  { cidr: "fc00::/7", what: "private, cloud metadata included (RFC 4193)" },
  { cidr: "fe80::/10", what: "link-local (RFC 4291)" },
  { cidr: "fec0::/10", what: "site-local (RFC 3879)" },
  { cidr: "ff00::/8", what: "multicast (RFC 4291)" },
  { cidr: "::/3", what: "not global unicast (RFC 4291 §2.4)" },
  { cidr: "4000::/2", what: "not global unicast (RFC 4291 §2.4)" },
  { cidr: "8000::/1", what: "not global unicast (RFC 4291 §2.4)" },
];

/**
 * The first row of {@link NON_PUBLIC_RANGES} that holds the address; null for a public one. An IPv4-mapped IPv6
 * address (RFC 4291 §2.5.5.2) is judged as the IPv4 address that it reaches.
 * @throws {Error} when `ip` is no address.
 */
export async function findNonPublicRange(ip: string): Promise<NonPublicRange | null> {
  const { default: ipaddr } = await import("ipaddr.js");
  // Parsed with the first address that is judged, and kept: parsing costs more than judging.
  networks ??= NON_PUBLIC_RANGES.map((range) => ({ range, network: ipaddr.parseCIDR(range.cidr) }));
  const address = ipaddr.process(ip);
  const found = networks.find(({ network: [first, bits] }) =>
    first.kind() === address.kind() && address.match(first, bits)
  );
  return found?.range ?? null;
}

type Network = ReturnType<typeof import("ipaddr.js").parseCIDR>;
let networks: { readonly range: NonPublicRange; readonly network: Network }[] | undefined;
