import { senderName, type SmsSender } from "./provider.ts";

/** What is written down of a customer. While any of a customer's entries says `out`, no text goes there. */
export interface OptOutEntry {
  readonly state: "out" | "in";
  /** The customer, by the address from which it was asked for; numbers are E.164 or short codes. */
  readonly customer: string;
  /** Whom of us it was about: the number that was texted, and its pool. Empty: all of us, as people have it. */
  readonly senders: readonly string[];
  /** `message`, `rejection`, or what a person gave as the reason; null: written down by a version that did not say. */
  readonly reason: string | null;
  /** The agent who changed it; null: the customer or the provider did. */
  readonly by: string | null;
  /** The event that told of the change to this state. */
  readonly eventId: string;
  /** What the change came from; see {@link OptOutChange}. */
  readonly source: string;
  /** The last text that was taken into account, by the id of its event, so that an older one that comes late changes nothing. */
  readonly asOf: string;
}

/** Somebody wants texts no more, or again. */
export interface OptOutChange extends Pick<OptOutEntry, "customer" | "senders" | "reason" | "by"> {
  readonly wanted: "out" | "in";
  /** The event that is to tell of it, if it proves to be a change; ids sort by time. */
  readonly eventId: string;
  /** Names the message, the refusal or the person that it came from, the same in every copy of it. */
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

/** What a text, a refusal or a person's word means for what is written down. */
export function decideOptOut(entry: OptOutEntry | null, change: OptOutChange): OptOutDecision {
  const { wanted, eventId, source, customer, reason, by } = change;
  if (entry === null) {
    // "Yes" is an everyday answer: from somebody who never opted out it asks for nothing.
    if (wanted === "in") return { kind: "nothing" };
    const { senders } = change;
    const told = { customer, senders, reason, by, eventId, source };
    return { kind: "change", entry: { ...told, state: wanted, asOf: eventId } };
  }
  if (entry.source === source && entry.state === wanted) {
    return { kind: "repeat", eventId: entry.eventId };
  }
  // Texts come late; a person means what is there now, whatever the clocks of two instances say.
  const isLate = eventId <= entry.asOf;
  if (isLate && by === null) return { kind: "nothing" };
  const senders = [...new Set([...entry.senders, ...(wanted === "out" ? change.senders : [])])];
  const asOf = isLate ? entry.asOf : eventId;
  return entry.state === wanted ? { kind: "confirm", entry: { ...entry, senders, asOf } } : {
    kind: "change",
    entry: { customer, senders, reason, by, eventId, source, state: wanted, asOf },
  };
}

/** Whom of us a text or a refusal was about: the number or address, and the pool that it belongs to. */
export function sendersOf(sender: SmsSender, pool: string | null = null): readonly string[] {
  return [senderName(sender), ...(pool === null ? [] : [pool])];
}

/** The scope of an entry as its key and its events name it: the whole pool where there is one, otherwise the single number. */
export function optOutScope(senders: readonly string[]): string {
  return senders.at(-1) ?? EVERYBODY;
}

/** Stands for all of us in a key. */
const EVERYBODY = "*";

/**
 * Whether a customer who texts START to one of these opens an entry: what was closed there is opened there. What was closed
 * elsewhere, or by a person, stays.
 */
export function isOpenedAt(entry: OptOutEntry, senders: readonly string[]): boolean {
  return entry.senders.some((name) => senders.includes(name));
}

/**
 * The key of an entry: the customer and the scope. A customer's phone is one, by whichever channel it wrote
 * (`whatsapp:+1…`); numbers are without their plus, as no short code is as long as a number.
 */
export function optOutKey(customer: string, senders: readonly string[]): string {
  return `${optOutKeyPrefix(customer)}${
    optOutScope(senders).replace(/^\+/, "").slice(0, LONGEST_PART)
  }`;
}

/** What the keys of all of a customer's entries begin with. */
export function optOutKeyPrefix(customer: string): string {
  const [, digits] = /^(?:[a-z][a-z0-9]*:)?\+?(\d+)$/.exec(customer) ?? [];
  return `${digits ?? encodeURIComponent(customer.toWellFormed()).slice(0, LONGEST_PART)}:`;
}

/** A key may have 512 characters. */
const LONGEST_PART = 250;

export function encodeEntry(entry: OptOutEntry): string {
  return JSON.stringify(entry);
}

/** Reads an entry; those of earlier versions have both numbers in their keys alone. */
export function decodeEntry(key: string, text: string): OptOutEntry {
  const [customer = "", scope = ""] = key.split(":", 2);
  const plus = (name: string) => (/^\d{7,}$/.test(name) ? `+${name}` : name);
  const before = { customer: plus(customer), senders: [plus(scope)], reason: null, by: null };
  return { ...before, ...JSON.parse(text) };
}
