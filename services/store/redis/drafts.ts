import { deliveryId } from "../delivery_id.ts";
import { SMS_SINK } from "../port/deliveries.ts";
import type { EventDraft } from "../port/events.ts";
import type { Shards } from "./shards.ts";

/** A draft in the form that `publish` in `scripts/publishing.lua` reads: deliveries already have their ids. */
export function draftRequest(
  { data, webhooks, smsMessages, released, ...draft }: EventDraft,
): object {
  return {
    ...draft,
    ...(released !== undefined && { released: draftRequest(released) }),
    ...(data.kind === "object"
      ? { json: data.json }
      : { before: data.before, messages: data.messages, after: data.after }),
    webhooks: webhooks.map((candidate) => ({
      ...candidate,
      deliveryId: deliveryId(draft.id, candidate.id, null),
    })),
    smsMessages: smsMessages.map((message) => ({
      ...message,
      deliveryId: deliveryId(draft.id, SMS_SINK, message.index),
    })),
  };
}

/** Where a draft is published: one of no session goes where the record of its guard is. */
export function shardOfDraft(shards: Shards, { sessionId, guard, id }: EventDraft): number {
  return shards.of(sessionId ?? guard?.key ?? id);
}
