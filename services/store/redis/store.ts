import type { Store, StorePolicy } from "../port/store.ts";
import { createRedisBuckets } from "./buckets.ts";
import { createCharteredTransport } from "./chartered_transport.ts";
import { createRedisCustomers } from "./customers.ts";
import { createRedisDeliveries } from "./deliveries.ts";
import { createRedisEvents } from "./events.ts";
import { createRedisRecords } from "./records.ts";
import { createRedisRevocations } from "./revocations.ts";
import { createRedisSessions } from "./sessions.ts";
import { createShards } from "./shards.ts";
import type { RedisTransport } from "./transport.ts";
import { createRedisWebhooks } from "./webhooks.ts";

export interface RedisStoreOptions {
  /** Upstash's REST or RESP; the store closes it with itself. */
  readonly transport: RedisTransport;
  /** Over how many hash tags the sessions are spread; fixed for the life of a database. */
  readonly shards: number;
  readonly policy: StorePolicy;
}

/** The store in a Redis, reached over whichever transport. Connects on first use. */
export function openRedisStore(options: RedisStoreOptions): Store {
  const { shards: count, policy } = options;
  const { transport, charter } = createCharteredTransport(options.transport);
  const shards = createShards(transport, count, policy);
  return {
    ...createRedisSessions(shards),
    ...createRedisCustomers(shards),
    ...createRedisEvents(shards),
    ...createRedisDeliveries(shards, policy),
    ...createRedisWebhooks(shards),
    ...createRedisRecords(shards),
    ...createRedisBuckets(shards),
    ...charter,
    ...createRedisRevocations(shards),
    ping: async () => {
      // A PING is answered by a node of a cluster that serves nothing, and by one alone.
      const keys = Array.from({ length: count }, (_, shard) => `${shards.prefix(shard)}ping`);
      await shards.commands("reach the store", keys.map((key) => ["EXISTS", key]));
    },
    close: () => transport.close(),
  };
}
