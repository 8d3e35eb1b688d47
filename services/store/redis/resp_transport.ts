import type { Clock } from "../../clock.ts";
import { createClientTransport } from "./client_transport.ts";
import { createRespLink, type RespReply } from "./resp_link.ts";
import type { RedisTransport } from "./transport.ts";

export interface RespTransportOptions {
  /** `REDIS_URL`: `redis://` or `rediss://`, with an ACL user and a database number where there are any. */
  readonly url: string;
  /** How long one round trip may take, connecting included. Default 1500: the answer to the client has 2 s (DESIGN §7). */
  readonly deadlineMs?: number;
  readonly clock?: Clock;
  /** Numbers in [0, 1), for the jitter of reconnecting. */
  readonly random?: () => number;
}

/** The transport over one connection to any Redis or Valkey, made with the first command. Sends every command once. */
export function createRespTransport(
  { deadlineMs = 1_500, ...options }: RespTransportOptions,
): RedisTransport {
  const link = createRespLink({ ...options, deadlineMs });
  return createClientTransport({
    async exchange(commands) {
      const replies = await link.send(commands);
      return replies.map((reply) =>
        reply instanceof Error ? { error: reply.message } : { result: withoutErrors(reply) }
      );
    },
    close: link.close,
  });
}

/** Error replies inside an array as their texts, which is what REST makes of them. */
function withoutErrors(reply: RespReply): unknown {
  if (reply instanceof Error) return reply.message;
  return Array.isArray(reply) ? reply.map(withoutErrors) : reply;
}
