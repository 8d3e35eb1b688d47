/** What a Redis Cluster tells of itself: which node has which slots. */
export interface ClusterTopology {
  /** Every node, masters and replicas, as `host:port`. */
  readonly nodes: readonly string[];
  /** The node that serves a slot; null where none does. */
  ownerOf(slot: number): string | null;
}

interface SlotRange {
  readonly from: number;
  readonly to: number;
  readonly owner: string;
}

const SLOTS = 16_384;

/**
 * Reads the reply to `CLUSTER SLOTS` (https://redis.io/docs/latest/commands/cluster-slots/). A node that does not know
 * its own name leaves it out, and then goes by the one that it was asked under. Null where the server is no cluster.
 */
export function readTopology(reply: unknown, askedHost: string): ClusterTopology | null {
  if (!Array.isArray(reply)) return null;
  const nodes = new Set<string>();
  const ranges: SlotRange[] = [];
  for (const [from, to, ...servers] of reply.filter((row) => Array.isArray(row))) {
    const addresses = servers.flatMap((server: unknown) => addressOf(server, askedHost));
    for (const address of addresses) nodes.add(address);
    const [owner] = addresses;
    if (owner !== undefined) ranges.push({ from: Number(from), to: Number(to), owner });
  }
  return {
    nodes: [...nodes],
    ownerOf: (slot) => ranges.find(({ from, to }) => from <= slot && slot <= to)?.owner ?? null,
  };
}

function addressOf(server: unknown, askedHost: string): string[] {
  if (!Array.isArray(server)) return [];
  const [host, port] = server;
  // "?" stands for a node that is to be known by its host name and has none (`cluster-preferred-endpoint-type`).
  const isNamed = typeof host === "string" && host !== "" && host !== "?";
  return [`${isNamed ? host : askedHost}:${port}`];
}

/** Where `MOVED slot host:port` sends a command; null for every other error. An empty host is that of the node that answered. */
export function movedTo(errorText: string, askedHost: string): string | null {
  const [, host, port] = /^MOVED \d+ (.*):(\d+)$/.exec(errorText) ?? [];
  if (port === undefined) return null;
  return `${host === "" ? askedHost : host}:${port}`;
}

/** The host of a `host:port`, an IPv6 address without brackets included. */
export function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":"));
}

/** The first key of a command, by which a cluster decides who serves it; null where it names none. */
export function firstKeyOf(command: readonly string[]): string | null {
  const [name = ""] = command;
  const isScript = /^EVAL(?:SHA)?$/i.test(name);
  if (isScript && command[2] === "0") return null;
  return command[isScript ? 3 : 1] ?? null;
}

/**
 * The slot of a key: CRC16 (XMODEM) of its hash tag, or of all of it where it has none
 * (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags). The `redis` package has the
 * same for itself alone.
 */
export function slotOf(key: string): number {
  const [, tag] = /^[^{]*\{([^}]+)\}/.exec(key) ?? [];
  let crc = 0;
  for (const byte of new TextEncoder().encode(tag ?? key)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) {
      crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
    }
    crc &= 0xffff;
  }
  return crc % SLOTS;
}
