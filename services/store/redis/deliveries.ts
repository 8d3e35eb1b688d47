import { earlier } from "../../support/time.ts";
import { firstDeliveryIdAt, firstEventIdAt } from "../delivery_id.ts";
import type {
  ClaimDeliveriesRequest,
  ClaimedBatch,
  DeliveryStore,
  Settlement,
  SettleOutcome,
  SinkHealth,
} from "../port/deliveries.ts";
import type { EventDraft } from "../port/events.ts";
import { page } from "../port/paging.ts";
import type { StorePolicy } from "../port/store.ts";
import { EXPIRED_SHOWN_MS } from "../rules.ts";
import { rangeRequest, remaining, settlementRequest, shareOfRates } from "./delivery_requests.ts";
import { draftRequest, shardOfDraft } from "./drafts.ts";
import { leaseOnShard, readLease } from "./lease.ts";
import {
  claimedDelivery,
  countOrNull,
  deliveryRecord,
  fieldsOf,
  list,
  merged,
  resolution,
  sinkHealth,
  text,
} from "./replies.ts";
import { SCRIPTS } from "./scripts.ts";
import type { Shards } from "./shards.ts";

/** Deliveries in Redis. */
export function createRedisDeliveries(shards: Shards, policy: StorePolicy): DeliveryStore {
  const everyShard = Array.from({ length: shards.count }, (_, shard) => shard);
  const shardOf = (draft: EventDraft) => shardOfDraft(shards, draft);
  const shardOfSettlement = ({ leaseToken }: Settlement) => readLease(leaseToken).shard;

  async function claimOn(shard: number, request: ClaimDeliveriesRequest): Promise<ClaimedBatch> {
    const oldestMs = request.nowMs - policy.eventRetentionMs;
    const sweepBefore = request.sweep
      ? {
        event: firstEventIdAt(oldestMs),
        delivery: firstDeliveryIdAt(oldestMs),
        expired: firstDeliveryIdAt(oldestMs - EXPIRED_SHOWN_MS),
      }
      : undefined;
    const [nextDueAt, sweptAll, expired, ...deliveries] = list(
      await shards.run("claim deliveries", SCRIPTS.claimDeliveries, shard, {
        ...request,
        rates: shareOfRates(request.rates, shards.count),
        sweepBefore,
      }),
    );
    const leaseToken = leaseOnShard(shard, request.leaseToken);
    return {
      deliveries: deliveries.map((reply) => claimedDelivery(list(reply), leaseToken)),
      nextDueAtMs: countOrNull(nextDueAt ?? -1),
      sweptAll: Number(sweptAll) === 1,
      expired: Number(expired),
    };
  }

  async function settleOn(
    shard: number,
    settlements: readonly Settlement[],
    webhooksVersion: number,
  ): Promise<SettleOutcome> {
    const drafts = settlements.flatMap((settlement) => settlement.drafts);
    if (drafts.some((draft) => draft.guard !== undefined && shardOf(draft) !== shard)) {
      throw new Error(
        "Cannot settle with a guarded draft of another session: expected the session of the delivery",
      );
    }
    const reply = await shards.run("settle deliveries", SCRIPTS.settleDeliveries, shard, {
      settlements: settlements.map(settlementRequest),
      ...(drafts.length > 0 ? { webhooksVersion } : {}),
    });
    if (reply === "stale") return { outcome: "stale-webhooks" };
    const [results, failing, nextDueAt] = list(reply);
    return {
      outcome: "settled",
      results: list(results).map((done) => Number(done) === 1 ? "settled" : "fenced"),
      failing: list(failing).map((row) => sinkHealth(list(row))),
      nextDueAtMs: countOrNull(nextDueAt ?? -1),
      tellsAll: shards.count === 1,
    };
  }

  return {
    async claimDeliveries(request) {
      const deliveries: ClaimedBatch["deliveries"][number][] = [];
      let nextDueAtMs: number | null = null;
      let sweptAll = true;
      let expired = 0;
      for (const shard of everyShard) {
        const batch = await claimOn(shard, remaining(request, deliveries));
        deliveries.push(...batch.deliveries);
        nextDueAtMs = earlier(nextDueAtMs, batch.nextDueAtMs);
        sweptAll &&= batch.sweptAll;
        expired += batch.expired;
      }
      return { deliveries, nextDueAtMs, sweptAll, expired };
    },

    async settleDeliveries({ settlements, webhooksVersion }) {
      const results = new Map<Settlement, "settled" | "fenced">();
      const failing: SinkHealth[] = [];
      let nextDueAtMs: number | null = null;
      for (const [shard, own] of Map.groupBy(settlements, shardOfSettlement)) {
        const settled = await settleOn(shard, own, webhooksVersion);
        if (settled.outcome !== "settled") return settled;
        own.forEach((settlement, at) => results.set(settlement, settled.results[at] ?? "fenced"));
        failing.push(...settled.failing);
        nextDueAtMs = earlier(nextDueAtMs, settled.nextDueAtMs);
      }
      return {
        outcome: "settled",
        failing,
        nextDueAtMs,
        tellsAll: shards.count === 1,
        results: settlements.map((settlement) => results.get(settlement) ?? "fenced"),
      };
    },

    async noteProgress({ leaseToken, ...request }) {
      const { shard, token } = readLease(leaseToken);
      const reply = await shards.run(
        "note the progress of the delivery",
        SCRIPTS.noteProgress,
        shard,
        { ...request, leaseToken: token },
      );
      return Number(reply) === 1;
    },

    async resolveDelivery({ draft, webhooksVersion, ...rest }) {
      const request = draft === null
        ? rest
        : { ...rest, draft: draftRequest(draft), webhooksVersion };
      // The id does not tell the shard. All are asked, and only the one that holds the delivery does anything.
      const replies = await Promise.all(
        everyShard.map((shard) =>
          shards.run("resolve the delivery", SCRIPTS.resolveDelivery, shard, request)
        ),
      );
      return resolution(replies.map(list).find(([word]) => word !== undefined) ?? []);
    },

    async retryDelivery(deliveryId, nowMs) {
      // The id does not tell the shard. All are asked, and only the one that holds the delivery does anything.
      const replies = await Promise.all(
        everyShard.map((shard) =>
          shards.run("retry the delivery", SCRIPTS.retryDelivery, shard, { deliveryId, nowMs })
        ),
      );
      const word = replies.map(text).find((reply) => reply !== "");
      return word === "due" || word === "in-flight" || word === "spent" ? word : null;
    },

    async holdDeliveries(request) {
      let held = 0;
      for (const shard of everyShard) {
        const left = { ...request, limit: request.limit - held };
        if (left.limit > 0) {
          held += Number(await shards.run("hold deliveries", SCRIPTS.holdDeliveries, shard, left));
        }
      }
      return held;
    },

    async requeueDeliveries({ cursor = "", limit, nowMs, ...range }) {
      // The cursor names the shard that is being gone through: ids of two shards are not in one order.
      const [shard, last] = readCursor(cursor);
      const request = { ...rangeRequest(range), cursor: last, limit, nowMs };
      const [requeued, next] = list(
        await shards.run("requeue deliveries", SCRIPTS.requeueDeliveries, shard, request),
      );
      const shardDone = text(next) === "";
      return {
        requeued: Number(requeued),
        nextCursor: shardDone && shard + 1 === shards.count
          ? null
          : `${shardDone ? shard + 1 : shard}.${text(next)}`,
      };
    },

    async countDeliveries(range) {
      const counts = await Promise.all(
        everyShard.map((shard) =>
          shards.run("count deliveries", SCRIPTS.countDeliveries, shard, rangeRequest(range))
        ),
      );
      return counts.reduce((sum: number, count) => sum + Number(count), 0);
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
  };
}

function readCursor(cursor: string): [shard: number, lastId: string] {
  const dot = cursor.indexOf(".");
  return dot === -1 ? [0, ""] : [Number(cursor.slice(0, dot)), cursor.slice(dot + 1)];
}
