/** Real Redis Clusters for tests: several `redis-server` processes on loopback, ended by the one who started them. */
import {
  type RedisServer,
  type RedisServerOptions,
  startRedisServer,
} from "../../simulator/kit/redis_server.ts";
import { createRespLink, type RespLink } from "../../services/store/redis/resp_link.ts";

/** How a cluster is started. */
export interface RedisClusterOptions {
  /** Further words of every node's command line. */
  readonly args?: readonly string[];
  /** Whether each master has a replica, which takes its place when it is gone. */
  readonly replicas?: boolean;
  /** Keeps each node's data over its `restart()`. */
  readonly appendOnly?: boolean;
}

/** One node. */
export interface ClusterNode {
  readonly server: RedisServer;
  /** As the cluster calls it. */
  readonly id: string;
  /** `127.0.0.1:{port}` */
  readonly address: string;
}

/** A node, and a connection to it: a `redis-cli` for each of the many questions would take longer than the answers. */
interface StartedNode extends ClusterNode, AsyncDisposable {
  readonly link: RespLink;
}

/** A running cluster of three masters. `await using` stops it. */
export interface RedisCluster extends AsyncDisposable {
  /** Of the first node; the others are found from there. */
  readonly url: string;
  /** In the order of their slots: about a third for each, and of the shards 0, 1, 2 the last, the middle, the first. */
  readonly masters: readonly ClusterNode[];
  /** Of the masters, in the same order. */
  readonly replicas: readonly ClusterNode[];
  /** The master that has the key's slot now, as the first node that answers knows it. */
  ownerOf(key: string): Promise<ClusterNode>;
  /** Empties every master. */
  flush(): Promise<void>;
  /** Resolves once all nodes that run agree that every slot is served. */
  whenOk(): Promise<void>;
  stop(): Promise<void>;
}

/** What each master has; such that {0}, {1} and {2} (slots 13907, 9842 and 5649) live on three different ones. */
const SLOTS_OF_MASTERS = [[0, 6_999], [7_000, 11_999], [12_000, 16_383]] as const;
const STARTS = 5;
const OK_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 25;
/** For each answer of a node; one that is gone refuses at once. */
const ANSWER_MS = 5_000;
/** After which a silent node counts as gone; what is the shortest wait that a busy machine does not belie. */
const NODE_TIMEOUT_MS = 2_000;

/** Starts a cluster and resolves when it serves every slot. */
export async function startRedisCluster(options: RedisClusterOptions = {}): Promise<RedisCluster> {
  await using starting = new AsyncDisposableStack();
  const start = async () => starting.use(await startNode(options));
  const masters = await Promise.all(SLOTS_OF_MASTERS.map(start));
  const replicas = await Promise.all(options.replicas === true ? SLOTS_OF_MASTERS.map(start) : []);
  const nodes = [...masters, ...replicas];

  const whenOk = () => until(() => allOk(nodes), "every slot of the cluster to be served");

  await Promise.all(masters.map(async ({ server }, at) => {
    const [from, to] = SLOTS_OF_MASTERS[at] ?? [0, 0];
    await server.cli("CLUSTER", "ADDSLOTSRANGE", String(from), String(to));
    // Otherwise they all begin with the same one, and sort out later who is right.
    await server.cli("CLUSTER", "SET-CONFIG-EPOCH", String(at + 1));
  }));
  await meet(nodes);
  await Promise.all(replicas.map((replica, at) => follow(replica, masters[at])));
  await whenOk();

  const started = starting.move();
  const stop = () => started.disposeAsync();
  return {
    url: `redis://${masters[0]?.address}`,
    masters,
    replicas,
    whenOk,
    ownerOf: (key) => ownerOf(nodes, key),
    async flush() {
      await Promise.all(masters.map(({ link }) => link.send([["FLUSHALL"]])));
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function startNode(
  { args = [], appendOnly = false }: RedisClusterOptions,
): Promise<StartedNode> {
  for (let starts = 1;; starts++) {
    try {
      const server = await startRedisServer({ appendOnly, args: [...clusterArgs(), ...args] });
      const id = await server.cli("CLUSTER", "MYID");
      const link = createRespLink({ url: server.url, deadlineMs: ANSWER_MS, longestBackoffMs: 0 });
      return {
        server,
        id,
        address: `127.0.0.1:${server.port}`,
        link,
        async [Symbol.asyncDispose]() {
          await link.close();
          await server.stop();
        },
      };
    } catch (error) {
      // Somebody else may have taken the port of the bus.
      if (starts === STARTS) throw error;
    }
  }
}

function clusterArgs(): NonNullable<RedisServerOptions["args"]> {
  return [
    ...["--cluster-enabled", "yes", "--cluster-port", String(freePort())],
    ...["--cluster-node-timeout", String(NODE_TIMEOUT_MS)],
    // Who is ready need not wait for copies that no test has.
    ...["--repl-diskless-sync-delay", "0"],
  ];
}

async function meet([first, ...others]: readonly ClusterNode[]): Promise<void> {
  if (first === undefined) return;
  for (const { server } of others) {
    const bus = await server.cli("CONFIG", "GET", "cluster-port");
    const busPort = bus.split("\n")[1] ?? "";
    await first.server.cli("CLUSTER", "MEET", "127.0.0.1", String(server.port), busPort);
  }
}

async function follow(replica: ClusterNode, master: ClusterNode | undefined): Promise<void> {
  if (master === undefined) return;
  const knows = async () => (await replica.server.cli("CLUSTER", "NODES")).includes(master.id);
  await until(knows, "a replica to know its master");
  await replica.server.cli("CLUSTER", "REPLICATE", master.id);
  const isCopy = async () =>
    (await replica.server.cli("INFO", "replication")).includes("master_link_status:up");
  await until(isCopy, "a replica to have its master's data");
}

async function allOk(nodes: readonly StartedNode[]): Promise<boolean> {
  const infos = await Promise.all(
    nodes.map(({ link }) => link.send([["CLUSTER", "INFO"]]).then(String, () => null)),
  );
  return infos.every((info) =>
    // One that was ended by its test has no say.
    info === null ||
    info.includes("cluster_state:ok") && info.includes("cluster_slots_ok:16384") &&
      info.includes(`cluster_known_nodes:${nodes.length}\r`)
  );
}

async function ownerOf(nodes: readonly ClusterNode[], key: string): Promise<ClusterNode> {
  for (const { server } of nodes) {
    try {
      const slot = await server.cli("CLUSTER", "KEYSLOT", key);
      const view = await server.cli("CLUSTER", "NODES");
      const owner = nodes.find(({ id }) => view.split("\n").some((line) => serves(line, id, slot)));
      if (owner !== undefined) return owner;
    } catch {
      // It does not run: the next one may.
    }
  }
  throw new Error(`Cannot tell who owns ${key}: no node of the cluster answers`);
}

/** Whether a line of `CLUSTER NODES` says so: `id address flags … state from-to from-to …`. */
function serves(line: string, id: string, slot: string): boolean {
  const [lineId, ...rest] = line.split(" ");
  return lineId === id && rest.slice(7).some((range) => {
    const [from, to = from] = range.split("-").map(Number);
    return from !== undefined && to !== undefined && from <= Number(slot) && Number(slot) <= to;
  });
}

/** A server tells nobody of such a change, so it is asked again and again. */
async function until(holds: () => Promise<boolean>, wanted: string): Promise<void> {
  const giveUpAtMs = performance.now() + OK_WITHIN_MS;
  while (!(await holds())) {
    if (performance.now() > giveUpAtMs) {
      throw new Error(`Cannot wait longer for ${wanted}: ${OK_WITHIN_MS} ms are over`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
