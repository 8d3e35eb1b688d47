import type { DeliveryStore } from "../port/deliveries.ts";
import type { EventStore } from "../port/events.ts";
import { page } from "../port/paging.ts";
import { EXPUNGED_DATA_JSON } from "../rules.ts";
import { deliveryRecord, eventRecord, fieldsOf, list, type Reply, text } from "./replies.ts";
import { SCRIPTS } from "./scripts.ts";
import type { Shards } from "./shards.ts";

const EVENT_FIELDS = ["type", "session", "seq", "agent", "at", "data"] as const;

/** Events and deliveries as they are kept in Redis. */
export function createRedisHistory(shards: Shards):
  & Pick<EventStore, "readEvent" | "listEvents" | "expungeSession">
  & Pick<DeliveryStore, "readDelivery" | "listDeliveries"> {
  const everyShard = Array.from({ length: shards.count }, (_, shard) => shard);

  return {
    async readEvent(id) {
      const replies = await shards.commands(
        "read the event",
        everyShard.map((shard) => ["HMGET", `${shards.prefix(shard)}e:${id}`, ...EVENT_FIELDS]),
      );
      const fields = replies.map(list).find(([type]) => type !== null && type !== undefined);
      if (fields === undefined) return null;
      const [type, session, sequence, ...rest] = fields;
      return eventRecord([id, type, session, sequence ?? -1, ...rest]);
    },

    async listEvents({ limit, cursor = "", ...filter }) {
      const replies = await Promise.all(
        everyShard.map((shard) =>
          shards.run("list the events", SCRIPTS.listEvents, shard, {
            limit: limit + 1,
            cursor,
            ...filter,
          })
        ),
      );
      return page(merged(replies).map(eventRecord), limit);
    },

    async readDelivery(id) {
      const replies = await shards.commands(
        "read the delivery",
        everyShard.flatMap((shard) => [
          ["HGETALL", `${shards.prefix(shard)}d:${id}`],
          ["LRANGE", `${shards.prefix(shard)}a:${id}`, "0", "-1"],
        ]),
      );
      for (let at = 0; at + 1 < replies.length; at += 2) {
        const fields = fieldsOf(list(replies[at]));
        if (fields.size === 0) continue;
        return {
          delivery: deliveryRecord(id, fields),
          attemptsJson: list(replies[at + 1]).map(text),
          progressJson: fields.get("progress") ?? null,
        };
      }
      return null;
    },

    async listDeliveries({ limit, cursor = "", ...filter }) {
      const replies = await Promise.all(
        everyShard.map((shard) =>
          shards.run("list the deliveries", SCRIPTS.listDeliveries, shard, {
            limit: limit + 1,
            cursor,
            ...filter,
          })
        ),
      );
      const deliveries = merged(replies).map(([id, ...fields]) =>
        deliveryRecord(text(id), fieldsOf(fields))
      );
      return page(deliveries, limit);
    },

    async expungeSession(sessionId) {
      const request = { sessionId, dataJson: EXPUNGED_DATA_JSON };
      const shard = shards.of(sessionId);
      return Number(
        await shards.run("expunge the session", SCRIPTS.expungeSession, shard, request),
      );
    },
  };
}

/** The rows of all shards in the order of their ids, which stand first. */
function merged(replies: readonly unknown[]): Reply[] {
  return replies
    .flatMap((reply) => list(reply).map(list))
    .sort(([a], [b]) => (text(a) < text(b) ? -1 : 1));
}
