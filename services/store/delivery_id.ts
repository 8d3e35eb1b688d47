import { encodeTime } from "ulid";
import { SMS_SINK } from "./port/deliveries.ts";

/**
 * The id of the delivery of one event to one sink: `dlv_`, the event's ULID, and the sink's. It follows from the two,
 * so publishing needs no further random value, and it sorts by time like the event's.
 */
export function deliveryId(eventId: string, sinkId: string, messageIndex: number | null): string {
  const sink = sinkId === SMS_SINK ? `sms${messageIndex ?? ""}` : bareId(sinkId);
  return `${deliveryIdPrefix(eventId)}${sink}`;
}

/** What the ids of all deliveries of an event begin with. */
export function deliveryIdPrefix(eventId: string): string {
  return `dlv_${bareId(eventId)}_`;
}

/** The part of an id behind its `evt_` or `wh_`. */
function bareId(id: string): string {
  return id.slice(id.indexOf("_") + 1);
}

/** The lowest event id that an event of `timeMs` or later can have: everything below is older. */
export function firstEventIdAt(timeMs: number): string {
  return `evt_${encodeTime(Math.max(0, timeMs))}`;
}

/** {@link firstEventIdAt} for delivery ids. */
export function firstDeliveryIdAt(timeMs: number): string {
  return `dlv_${encodeTime(Math.max(0, timeMs))}`;
}
