import type {
  ClaimedDelivery,
  DeliveryRecord,
  DeliveryStatus,
  DeliveryStore,
  SinkHealth,
} from "../port/deliveries.ts";
import type { TextOutcome } from "../port/text_outcome.ts";
import type { EventRecord, PublishedEvent } from "../port/events.ts";
import type { Participant, SessionRecord } from "../port/sessions.ts";

/*
 * Replies come from this engine's own scripts, so their shape is known. A number may come as a number or as a text,
 * because both RESP and Upstash's REST give the fields of a hash as texts.
 */

export type Reply = readonly unknown[];

export function list(reply: unknown): Reply {
  return Array.isArray(reply) ? reply : [];
}

export function text(value: unknown): string {
  return String(value ?? "");
}

/** In replies '' stands for nothing, because a table of Lua cannot hold a nil. */
function textOrNull(value: unknown): string | null {
  return text(value) === "" ? null : text(value);
}

/** In replies a negative number stands for nothing. */
export function countOrNull(value: unknown): number | null {
  const count = Number(value);
  return count < 0 ? null : count;
}

export function publishedEvent(id: string, reply: Reply): PublishedEvent {
  const [accepted, sequence, deliveries, departed] = reply;
  return {
    id,
    accepted: Number(accepted) === 1,
    sequence: countOrNull(sequence),
    deliveries: Number(deliveries),
    ...(Number(departed) === 1 && { departed: true }),
  };
}

export function sessionRecord(reply: Reply): SessionRecord {
  const [id, agentsJson, state, acceptedAt, upstream, updatedAt, seats, ...memory] = reply;
  const [sequence, phone, sender] = memory;
  const [holder, ...participants] = JSON.parse(text(agentsJson)) as [Participant, ...Participant[]];
  const known = textOrNull(phone);
  return {
    id: text(id),
    agentId: holder.agentId,
    nickname: holder.nickname,
    participants,
    state: text(state),
    acceptedAtMs: Number(acceptedAt),
    acceptedUpstreamMs: Number(upstream),
    updatedAtMs: Number(updatedAt),
    seatsUntilMs: text(seats) === "" ? [] : text(seats).split(",").map(Number),
    sequence: Number(sequence),
    customer: known === null ? null : { phone: known, sender: textOrNull(sender) },
  };
}

export function eventRecord(reply: Reply): EventRecord {
  const [id, type, sessionId, sequence, agentId, occurredAt, dataJson] = reply;
  return {
    id: text(id),
    type: text(type),
    sessionId: textOrNull(sessionId),
    sequence: countOrNull(sequence),
    agentId: textOrNull(agentId),
    occurredAtMs: Number(occurredAt),
    dataJson: text(dataJson),
  };
}

export function claimedDelivery(reply: Reply, leaseToken: string): ClaimedDelivery {
  const [id, sinkId, attempt, interrupted, messageIndex] = reply;
  const [phone, sender, progressJson] = reply.slice(12);
  const known = textOrNull(phone);
  return {
    id: text(id),
    sinkId: text(sinkId),
    leaseToken,
    attempt: Number(attempt),
    interrupted: Number(interrupted) === 1,
    messageIndex: countOrNull(messageIndex),
    event: eventRecord(reply.slice(5, 12)),
    customer: known === null ? null : { phone: known, sender: textOrNull(sender) },
    progressJson: textOrNull(progressJson),
  };
}

export function sinkHealth([sinkId, failures, since]: Reply): SinkHealth {
  return { sinkId: text(sinkId), failures: Number(failures), sinceMs: Number(since) };
}

/** The flat fields of HGETALL by name. */
export function fieldsOf(flat: Reply): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (let at = 0; at + 1 < flat.length; at += 2) fields.set(text(flat[at]), text(flat[at + 1]));
  return fields;
}

/** A delivery from its id and its fields. */
export function deliveryRecord(id: string, fields: ReadonlyMap<string, string>): DeliveryRecord {
  const field = (name: string) => fields.get(name) ?? "";
  const numberOrNull = (name: string) => fields.has(name) ? Number(field(name)) : null;
  return {
    id,
    eventId: field("event"),
    eventType: field("type"),
    sinkId: field("sink"),
    sessionId: fields.get("session") ?? null,
    messageIndex: numberOrNull("index"),
    // This engine's scripts write no other words.
    status: field("status") as DeliveryStatus,
    attempts: Number(field("attempts")),
    createdAtMs: Number(field("createdAt")),
    updatedAtMs: Number(field("updatedAt")),
    nextAttemptAtMs: numberOrNull("nextAt"),
    outcome: fields.has("outcome")
      ? {
        kind: field("outcome") as TextOutcome["kind"],
        ...(fields.has("errorCode") && { errorCode: Number(field("errorCode")) }),
      }
      : null,
  };
}

/** What `resolve_delivery` says; null where no shard has the delivery. */
export function resolution(
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

/** The rows of all shards in the order of their ids, which stand first. */
export function merged(replies: readonly unknown[]): Reply[] {
  return replies
    .flatMap((reply) => list(reply).map(list))
    .sort(([a], [b]) => (text(a) < text(b) ? -1 : 1));
}
