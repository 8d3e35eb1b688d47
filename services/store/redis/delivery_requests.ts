import { firstDeliveryIdAt } from "../delivery_id.ts";
import type {
  ClaimDeliveriesRequest,
  ClaimedBatch,
  DeliveryRange,
  Settlement,
} from "../port/deliveries.ts";
import { isAttempted } from "../rules.ts";
import { draftRequest } from "./drafts.ts";
import { readLease } from "./lease.ts";

/** A range by the ids of its deliveries. */
export function rangeRequest({ sinkId, statuses, fromMs, untilMs }: DeliveryRange): object {
  return { sinkId, statuses, from: firstDeliveryIdAt(fromMs), until: firstDeliveryIdAt(untilMs) };
}

/** What is left of a claim for the next shard. */
export function remaining(
  request: ClaimDeliveriesRequest,
  taken: ClaimedBatch["deliveries"],
): ClaimDeliveriesRequest {
  const capacity: Record<string, number> = { ...request.capacity };
  for (const { sinkId } of taken) {
    capacity[sinkId] = (capacity[sinkId] ?? request.capacityPerSink) - 1;
  }
  return { ...request, capacity, limit: request.limit - taken.length };
}

/** Each shard has a bucket of its own, so each gives its part of the rate. */
export function shareOfRates(
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

/** A settlement as `settle_deliveries` reads it. */
export function settlementRequest({ leaseToken, next, drafts, ...settlement }: Settlement): object {
  return {
    ...settlement,
    leaseToken: readLease(leaseToken).token,
    status: next.status,
    atMs: next.status === "retrying" ? next.atMs : undefined,
    attempted: isAttempted(next),
    drafts: drafts.map(draftRequest),
  };
}
