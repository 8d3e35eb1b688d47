import { systemClock } from "../../support/clock.ts";
import {
  type ClusterTopology,
  firstKeyOf,
  hostOf,
  movedTo,
  readTopology,
  slotOf,
} from "./cluster_topology.ts";
import { type Deadline, startDeadline } from "./deadline.ts";
import { NoAnswer } from "./no_answer.ts";
import {
  createRespLink,
  type RespLink,
  type RespLinkOptions,
  type RespReply,
} from "./resp_link.ts";

export interface RespClusterOptions extends Pick<RespLinkOptions, "url" | "deadlineMs"> {
  /** What a node has told of the cluster. */
  readonly topology: ClusterTopology;
}

/** The nodes of a Redis Cluster, reached like one Redis. */
export interface RespCluster {
  /**
   * Sends each command to the node that has its first key, those for one node one behind the other, and gives the
   * replies in order. Nothing is sent a second time but what a node has refused as another's (`MOVED`).
   *
   * @throws NoAnswer when not all of them were answered
   */
  send(commands: readonly (readonly string[])[]): Promise<readonly RespReply[]>;
  /** Ends all connections and what is under way on them. Safe to call twice. */
  close(): Promise<void>;
}

/** `CLUSTER SLOTS`, as every version since 3.0 knows it. */
export const ASK_FOR_SLOTS = ["CLUSTER", "SLOTS"] as const;

/** One behind the other; a second one follows where slots are moved faster than one round trip. */
const MOST_REDIRECTIONS = 3;
const REFRESH_EVERY_MS = 500;

/**
 * One link per node, each with the promises of a link: a deadline, nothing sent twice, no reconnecting by itself. The
 * cluster client of the `redis` package cannot be had with them:
 * - it follows `ASK`. While a slot is being moved that would run a script on the new node, where the keys that the
 *   script finds by itself are still missing: it would see an empty shard, and write a second one. Here `ASK` is a
 *   refusal like `TRYAGAIN`, and the shard is unavailable until its slot has arrived;
 * - without reconnecting by itself it keeps a connection that has ended, and hears of a failover only from a node that
 *   still answers for the slot.
 */
export function createRespCluster(options: RespClusterOptions): RespCluster {
  const { url, deadlineMs } = options;
  const root = new URL(url);
  const links = new Map<string, RespLink>();
  /** How many sends are under way, by node. */
  const busy = new Map<string, number>();
  /** Those that did not answer last: asked last for what the cluster looks like. */
  const suspects = new Set<string>();
  /** By slot; also what `MOVED` has told since the topology was read. */
  const owners = new Map<number, string>();
  let topology = options.topology;
  let refreshing: Promise<void> | null = null;
  let refreshNotBeforeMs = 0;
  let closed = false;

  function linkTo(address: string): RespLink {
    const known = links.get(address);
    if (known !== undefined) return known;
    const link = createRespLink({ url: nodeUrl(root, address), deadlineMs });
    links.set(address, link);
    return link;
  }

  async function ask(
    address: string,
    commands: readonly (readonly string[])[],
  ): Promise<readonly RespReply[]> {
    if (closed) throw new NoAnswer("the connection was closed");
    busy.set(address, (busy.get(address) ?? 0) + 1);
    try {
      const replies = await linkTo(address).send(commands);
      suspects.delete(address);
      return replies;
    } catch (error) {
      suspects.add(address);
      throw error;
    } finally {
      busy.set(address, (busy.get(address) ?? 1) - 1);
    }
  }

  function addressFor(command: readonly string[]): string {
    const key = firstKeyOf(command);
    if (key === null) {
      return topology.nodes.find((node) => !suspects.has(node)) ?? addressOf(root);
    }
    const slot = slotOf(key);
    const owner = owners.get(slot) ?? topology.ownerOf(slot);
    if (owner === null) throw new NoAnswer("no node of the cluster serves the slot");
    owners.set(slot, owner);
    return owner;
  }

  /** Each to its node, once. */
  async function exchange(commands: readonly (readonly string[])[]): Promise<RespReply[]> {
    const replies: RespReply[] = commands.map(() => null);
    const byNode = Map.groupBy(commands.entries(), ([, command]) => addressFor(command));
    await Promise.all([...byNode].map(async ([address, entries]) => {
      const answered = await ask(address, entries.map(([, command]) => command));
      entries.forEach(([at, command], i) => {
        const reply = answered[i] ?? null;
        replies[at] = reply;
        const owner = reply instanceof Error ? movedTo(reply.message, hostOf(address)) : null;
        const key = firstKeyOf(command);
        if (owner !== null && key !== null) owners.set(slotOf(key), owner);
      });
    }));
    return replies;
  }

  async function exchangeWherever(
    commands: readonly (readonly string[])[],
    deadline: Deadline,
  ): Promise<readonly RespReply[]> {
    const replies = await exchange(commands);
    for (let redirections = 0; redirections < MOST_REDIRECTIONS; redirections++) {
      const moved = [...commands.entries()].filter(([at]) => isMoved(replies[at]));
      // Once the asker has been told that there is no answer, nothing more is sent for it.
      if (moved.length === 0 || deadline.isMissed()) break;
      refreshSoon();
      const again = await exchange(moved.map(([, command]) => command));
      moved.forEach(([at], i) => replies[at] = again[i] ?? null);
    }
    return replies;
  }

  /** In the background: whoever has just failed is not kept waiting, and a failover takes seconds anyway. */
  function refreshSoon(): void {
    if (closed || refreshing !== null || systemClock.now() < refreshNotBeforeMs) return;
    // Instances that lost a node together must not ask together.
    refreshNotBeforeMs = systemClock.now() + REFRESH_EVERY_MS * (0.5 + Math.random() / 2);
    refreshing = refresh().finally(() => refreshing = null);
  }

  async function refresh(): Promise<void> {
    const asked = [...new Set([...topology.nodes, addressOf(root)])]
      .map((address) => ({ address, order: (suspects.has(address) ? 1 : 0) + Math.random() / 2 }))
      .toSorted((a, b) => a.order - b.order);
    for (const { address } of asked) {
      const [reply] = await ask(address, [ASK_FOR_SLOTS]).catch(() => []);
      const fresh = readTopology(reply, hostOf(address));
      // A node that has forgotten its cluster serves nothing.
      if (fresh === null || fresh.nodes.length === 0) continue;
      topology = fresh;
      owners.clear();
      await closeLinksTo([...links.keys()].filter((address) => !fresh.nodes.includes(address)));
      return;
    }
  }

  /** But for those that are in use: a later refresh finds them again. */
  async function closeLinksTo(addresses: readonly string[]): Promise<void> {
    for (const address of addresses.filter((address) => (busy.get(address) ?? 0) === 0)) {
      const link = links.get(address);
      links.delete(address);
      busy.delete(address);
      suspects.delete(address);
      await link?.close();
    }
  }

  return {
    async send(commands) {
      const deadline = startDeadline(systemClock, deadlineMs);
      try {
        return await Promise.race([exchangeWherever(commands, deadline), deadline.passed]);
      } catch (error) {
        refreshSoon();
        throw error;
      } finally {
        deadline.cancel();
      }
    },

    async close() {
      closed = true;
      await Promise.all([...links.values()].map((link) => link.close()));
      await refreshing;
    },
  };
}

function isMoved(reply: RespReply | undefined): boolean {
  return reply instanceof Error && reply.message.startsWith("MOVED ");
}

/** `host:port` of an address as configured. */
function addressOf({ hostname, port }: URL): string {
  return `${hostname.replace(/^\[|\]$/g, "")}:${port === "" ? "6379" : port}`;
}

/** The same scheme, user and password for every node; a cluster has no numbered databases. */
function nodeUrl(root: URL, address: string): string {
  const url = new URL(root);
  const host = hostOf(address);
  url.hostname = host.includes(":") ? `[${host}]` : host;
  url.port = address.slice(host.length + 1);
  url.pathname = "";
  return url.href;
}
