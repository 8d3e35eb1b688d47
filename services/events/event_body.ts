import type { EventRecord } from "../store/port/events.ts";

/** `full`: the event with its own members. `thin`: only which event it is; the consumer fetches the rest. */
export const PAYLOAD_KINDS = ["full", "thin"] as const;
export type PayloadKind = (typeof PAYLOAD_KINDS)[number];

/**
 * An event as it is sent and shown (DESIGN §8). Its own members are put in as the text that the store kept, so a
 * notification stays as upstream wrote it: member order, number spelling and all.
 *
 * @throws {TypeError} if the stored text is no JSON object's.
 */
export function renderEvent(event: EventRecord, payload: PayloadKind): string {
  const ids = [
    member("eventId", event.id),
    member("sessionId", event.sessionId),
    member("sequence", event.sequence),
    member("agentId", event.agentId),
  ];
  const own = payload === "full" ? ownMembers(event) : "";
  const data = (own === "" ? ids : [...ids, own]).join(",");
  const timestamp = new Date(event.occurredAtMs).toISOString();
  return `{${member("type", event.type)},${member("timestamp", timestamp)},"data":{${data}}}`;
}

function member(name: string, value: string | number | null): string {
  return `${JSON.stringify(name)}:${JSON.stringify(value)}`;
}

function ownMembers({ id, dataJson }: EventRecord): string {
  const text = dataJson.trim();
  if (!text.startsWith("{") || !text.endsWith("}")) {
    throw new TypeError(`Cannot render event ${id}: expected its data to be a JSON object`);
  }
  return text.slice(1, -1).trim();
}
