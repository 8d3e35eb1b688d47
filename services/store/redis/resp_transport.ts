import { systemClock } from "../../support/clock.ts";
import { createClientTransport } from "./client_transport.ts";
import { readTopology } from "./cluster_topology.ts";
import { startDeadline } from "./deadline.ts";
import { NoAnswer } from "./no_answer.ts";
import { ASK_FOR_SLOTS, createRespCluster, type RespCluster } from "./resp_cluster.ts";
import { createRespLink, loadRespClient, type RespReply } from "./resp_link.ts";
import type { RedisTransport } from "./transport.ts";

export interface RespTransportOptions {
  /**
   * `REDIS_URL`: `redis://` or `rediss://`, with an ACL user and a database number where there are any. For a cluster,
   * any of its nodes; the others have the same user and password.
   */
  readonly url: string;
  /** How long one round trip may take, connecting included. Default 1500: the answer to the client has 2 s (DESIGN §7). */
  readonly deadlineMs?: number;
}

/**
 * The transport to any Redis or Valkey, or to a cluster of them: which of the two it is the server tells with the first
 * command. Connects when it is needed. Sends every command once.
 */
export function createRespTransport(
  { url, deadlineMs = 1_500 }: RespTransportOptions,
): RedisTransport {
  const link = createRespLink({ url, deadlineMs });
  let redis: Pick<RespCluster, "send" | "close"> | null = null;
  let finding: Promise<Pick<RespCluster, "send">> | null = null;
  let closed = false;

  async function find(): Promise<Pick<RespCluster, "send">> {
    const [reply] = await link.send([ASK_FOR_SLOTS]);
    const topology = readTopology(reply, new URL(url).hostname);
    if (topology === null) {
      if (!isStateOfServer(reply)) redis = link;
      return link;
    }
    if (closed) throw new NoAnswer("the connection was closed");
    redis = createRespCluster({ url, deadlineMs, topology });
    await link.close();
    return redis;
  }

  /** Finding out and sending within one deadline. */
  async function sendFirst(
    commands: readonly (readonly string[])[],
  ): Promise<readonly RespReply[]> {
    await loadRespClient();
    const deadline = startDeadline(systemClock, deadlineMs);
    try {
      finding ??= find().finally(() => finding = null);
      const found = await Promise.race([finding, deadline.passed]);
      return await Promise.race([found.send(commands), deadline.passed]);
    } finally {
      deadline.cancel();
    }
  }

  return createClientTransport({
    async exchange(commands) {
      const replies = await (redis === null ? sendFirst(commands) : redis.send(commands));
      return replies.map((reply) =>
        reply instanceof Error ? { error: reply.message } : { result: withoutErrors(reply) }
      );
    },
    async close() {
      closed = true;
      await link.close();
      await finding?.catch(() => {});
      await redis?.close();
    },
  });
}

/**
 * Such as `LOADING`, which says nothing of what the server is. With any other error it is no cluster: it does not know
 * the command or runs without clustering (`ERR`), or keeps the command from us (`NOPERM`), without which nobody finds
 * a way through a cluster.
 */
function isStateOfServer(reply: RespReply | undefined): boolean {
  return reply instanceof Error && !/^(?:ERR|NOPERM) /.test(reply.message);
}

/** Error replies inside an array as their texts, which is what REST makes of them. */
function withoutErrors(reply: RespReply): unknown {
  if (reply instanceof Error) return reply.message;
  return Array.isArray(reply) ? reply.map(withoutErrors) : reply;
}
