import type { RedisTransport } from "../../services/store/redis/transport.ts";

/** The reply to one command. */
export async function redisCommand(
  transport: RedisTransport,
  command: readonly string[],
): Promise<unknown> {
  const [reply] = await transport.pipeline([command]);
  return reply;
}
