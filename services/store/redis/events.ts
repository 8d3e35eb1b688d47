import type { EventDraft, EventStore, PublishedEvent } from "../port/events.ts";
import { page } from "../port/paging.ts";
import { EXPUNGED_DATA_JSON } from "../rules.ts";
import { draftRequest, shardOfDraft } from "./drafts.ts";
import { eventRecord, list, merged, publishedEvent } from "./replies.ts";
import { SCRIPTS } from "./scripts.ts";
import type { Shards } from "./shards.ts";

const EVENT_FIELDS = ["type", "session", "seq", "agent", "at", "data"] as const;

/** Events in Redis. */
export function createRedisEvents(shards: Shards): EventStore {
  const everyShard = Array.from({ length: shards.count }, (_, shard) => shard);
  const shardOf = (draft: EventDraft) => shardOfDraft(shards, draft);

  return {
    async publish({ drafts, nowMs, webhooksVersion }) {
      const events = new Map<string, PublishedEvent>();
      // One shard after the other: repeating a request whose later shard was stale is harmless,
      // because a shard answers for a draft that it holds already without storing it again.
      for (const [shard, own] of Map.groupBy(drafts, shardOf)) {
        const reply = await shards.run("publish the events", SCRIPTS.publish, shard, {
          drafts: own.map(draftRequest),
          nowMs,
          webhooksVersion,
        });
        if (reply === "stale") return { outcome: "stale-webhooks" };
        list(reply).forEach((result, at) => {
          const id = own[at]?.id ?? "";
          events.set(id, publishedEvent(id, list(result)));
        });
      }
      return {
        outcome: "published",
        events: drafts.map(({ id }) => events.get(id)).filter((event) => event !== undefined),
      };
    },

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

    async expungeSession(sessionId) {
      const request = { sessionId, dataJson: EXPUNGED_DATA_JSON };
      const shard = shards.of(sessionId);
      return Number(
        await shards.run("expunge the session", SCRIPTS.expungeSession, shard, request),
      );
    },
  };
}
