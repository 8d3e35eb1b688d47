import type { DeliveryStore } from "../port/deliveries.ts";
import type { EventStore } from "../port/events.ts";
import type {
  ClaimDeliveriesRequest,
  ClaimedBatch,
  DeliveryRange,
  Settlement,
  SettleOutcome,
  SinkHealth,
} from "../port/deliveries.ts";
import type { EventDraft, PublishedEvent } from "../port/events.ts";
import type { StorePolicy } from "../port/store.ts";
import { earlier } from "../../support/time.ts";
import { firstDeliveryIdAt, firstEventIdAt } from "../delivery_id.ts";
import { EXPIRED_SHOWN_MS } from "../rules.ts";
import { draftRequest } from "./drafts.ts";
import { leaseOnShard, readLease } from "./lease.ts";
import { claimedDelivery, countOrNull, list, publishedEvent, sinkHealth, text } from "./replies.ts";
import { SCRIPTS } from "./scripts.ts";
import type { Shards } from "./shards.ts";

/** The outbox in Redis. */
export function createRedisOutbox(shards: Shards, policy: StorePolicy):
  & Pick<EventStore, "publish">
  & Omit<DeliveryStore, "noteProgress" | "resolveDelivery" | "readDelivery" | "listDeliveries"> {
  const everyShard = Array.from({ length: shards.count }, (_, shard) => shard);
  // A draft of no session goes where the record of its guard is.
  const shardOf = ({ sessionId, guard, id }: EventDraft) =>
    shards.of(sessionId ?? guard?.key ?? id);

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
        // Each shard has a bucket of its own, so each gives its part of the rate.
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

    async retryDelivery(deliveryId, nowMs) {
      // Which shard holds it is not to be seen from its id; only that one does anything.
      const replies = await Promise.all(
        Array.from(
          { length: shards.count },
          (_, shard) =>
            shards.run("retry the delivery", SCRIPTS.retryDelivery, shard, { deliveryId, nowMs }),
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
  };
}

function readCursor(cursor: string): [shard: number, lastId: string] {
  const dot = cursor.indexOf(".");
  return dot === -1 ? [0, ""] : [Number(cursor.slice(0, dot)), cursor.slice(dot + 1)];
}

function rangeRequest({ sinkId, statuses, fromMs, untilMs }: DeliveryRange): object {
  return { sinkId, statuses, from: firstDeliveryIdAt(fromMs), until: firstDeliveryIdAt(untilMs) };
}

/** What is left of a claim for the next shard. */
function remaining(
  request: ClaimDeliveriesRequest,
  taken: ClaimedBatch["deliveries"],
): ClaimDeliveriesRequest {
  const capacity: Record<string, number> = { ...request.capacity };
  for (const { sinkId } of taken) {
    capacity[sinkId] = (capacity[sinkId] ?? request.capacityPerSink) - 1;
  }
  return { ...request, capacity, limit: request.limit - taken.length };
}

function shareOfRates(
  rates: ClaimDeliveriesRequest["rates"],
  shards: number,
): ClaimDeliveriesRequest["rates"] {
  return Object.fromEntries(
    Object.entries(rates).map(([sinkId, { perSecond, burst }]) => [
      sinkId,
      { perSecond: perSecond / shards, burst: Math.max(1, burst / shards) },
    ]),
  );
}

const shardOfSettlement = ({ leaseToken }: Settlement) => readLease(leaseToken).shard;

function settlementRequest({ leaseToken, next, drafts, ...settlement }: Settlement): object {
  return {
    ...settlement,
    leaseToken: readLease(leaseToken).token,
    status: next.status,
    atMs: next.status === "retrying" ? next.atMs : undefined,
    attempted: next.status !== "held" && !(next.status === "retrying" && next.counted === false),
    drafts: drafts.map(draftRequest),
  };
}
