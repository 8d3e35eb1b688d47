import type { BucketStore } from "../port/buckets.ts";
import type { SessionStore } from "../port/sessions.ts";
import type { DeliveryStore } from "../port/deliveries.ts";
import { draftRequest } from "./drafts.ts";
import { readLease } from "./lease.ts";
import { list, type Reply, text } from "./replies.ts";
import { SCRIPTS } from "./scripts.ts";
import type { Shards } from "./shards.ts";

/** What SMS needs beyond the outbox, in Redis; every method is one script, on each shard where none is known. */
export function createRedisSms(shards: Shards):
  & Pick<DeliveryStore, "noteProgress" | "resolveDelivery">
  & BucketStore
  & Pick<SessionStore, "findCustomerSession"> {
  const everyShard = Array.from({ length: shards.count }, (_, shard) => shard);
  return {
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
      // Which shard holds it is not to be seen from its id; only that one does anything.
      const replies = await Promise.all(
        everyShard.map((shard) =>
          shards.run("resolve the delivery", SCRIPTS.resolveDelivery, shard, request)
        ),
      );
      return resolution(replies.map(list).find(([word]) => word !== undefined) ?? []);
    },
    async takeTokens(request) {
      const reply = await shards.run(
        "take tokens",
        SCRIPTS.takeTokens,
        shards.of(request.bucket),
        request,
      );
      return Number(reply);
    },
    async findCustomerSession(request) {
      if (request.customerDigits === "") return null;
      const replies = await shards.runOnAll(
        "find the customer's session",
        SCRIPTS.findCustomerSession,
        request,
      );
      const found = replies.map(list)
        .filter(([acceptedAt]) => acceptedAt !== undefined)
        .map(([acceptedAt, id]) => ({ acceptedAtMs: Number(acceptedAt), id: text(id) }))
        .sort((a, b) => b.acceptedAtMs - a.acceptedAtMs || (a.id < b.id ? 1 : -1));
      return found[0]?.id ?? null;
    },
  };
}

function resolution(
  [word, deliveries]: Reply,
): Awaited<ReturnType<DeliveryStore["resolveDelivery"]>> {
  switch (word) {
    case "resolved":
      return { outcome: "resolved", deliveries: Number(deliveries) };
    case "not-unknown":
      return { outcome: "not-unknown" };
    case "stale":
      return { outcome: "stale-webhooks" };
    default:
      return null;
  }
}
