import { senderName, type SmsSender } from "./provider.ts";

/** What is written down of a customer and a sender. Once nothing is, the customer may be texted. */
export interface OptOutEntry {
  readonly state: "out" | "in";
  /** The event that told of the change to this state. */
  readonly eventId: string;
  /** What the change came from; see {@link OptOutChange}. */
  readonly source: string;
  /** The last text that was taken into account, by the id of its event, so that an older one that comes late changes nothing. */
  readonly asOf: string;
}

/** Somebody wants texts no more, or again. */
export interface OptOutChange {
  readonly wanted: "out" | "in";
  /** The event that is to tell of it, if it proves to be a change; ids sort by time. */
  readonly eventId: string;
  /** Names the message or the refusal that it came from, the same in every copy of it. */
  readonly source: string;
}

export type OptOutDecision =
  /** A change: write it down, then tell of it. */
  | { readonly kind: "change"; readonly entry: OptOutEntry }
  /** It has been written down from this very source: tell of it again, under the event's first id. */
  | { readonly kind: "repeat"; readonly eventId: string }
  /** No change, but the latest word on it. */
  | { readonly kind: "confirm"; readonly entry: OptOutEntry }
  /** Nothing to do. */
  | { readonly kind: "nothing" };

/** What a text or refusal means for what is written down. */
export function decideOptOut(entry: OptOutEntry | null, change: OptOutChange): OptOutDecision {
  const { wanted, eventId, source } = change;
  if (entry === null) {
    // "Yes" is an everyday answer: from somebody who never opted out it asks for nothing.
    return wanted === "in"
      ? { kind: "nothing" }
      : { kind: "change", entry: { state: wanted, eventId, source, asOf: eventId } };
  }
  if (entry.source === source && entry.state === wanted) {
    return { kind: "repeat", eventId: entry.eventId };
  }
  if (eventId <= entry.asOf) return { kind: "nothing" };
  return entry.state === wanted
    ? { kind: "confirm", entry: { ...entry, asOf: eventId } }
    : { kind: "change", entry: { state: wanted, eventId, source, asOf: eventId } };
}

/**
 * From whom the customer wants no texts: from the whole pool where texts leave through one, otherwise from the single number.
 * Providers that block texts by themselves go by the same rule.
 */
export function optOutScope(own: SmsSender, sender: SmsSender): string {
  return senderName("pool" in own ? own : sender);
}

/** The key of an entry: the customer and the scope, without the plus signs. No short code is as long as a number. */
export function optOutKey(customer: string, scope: string): string {
  return `${bare(customer)}:${bare(scope)}`;
}

function bare(number: string): string {
  return number.replace(/^\+/, "");
}
