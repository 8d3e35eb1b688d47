import type { Begun } from "./progress.ts";
import { type ListedMessage, type Listing, senderName, type SmsSender } from "./provider.ts";

/** What a list of messages says of one that may have left. */
export type Match =
  | { readonly kind: "found"; readonly sid: string }
  /** Nothing in the list can be it. */
  | { readonly kind: "clear" }
  /** The list holds a message that might be it, or was not read to its end. */
  | { readonly kind: "unclear"; readonly why: "other-words" | "too-many" };

/** The provider tells times in whole seconds, and so does the clock in its answers. */
const ROUNDING_MS = 3_000;
/** How far the clocks may be apart when the provider's answer did not tell its time. */
export const CLOCKS_APART_MS = 60_000;

/**
 * Whether the list has the part. A message of other words that nobody accounts for may still be it, as providers alter bodies
 * (other characters, a preface, redaction): then nothing is certain. Pure.
 */
export function matchListing(
  { begun, sender, body }: {
    readonly begun: Pick<Begun, "firstAtMs">;
    /** Null: any sender may be the one. */
    readonly sender: SmsSender | null;
    readonly body: string;
  },
  { messages, complete, aheadMs }: Extract<Listing, { kind: "listed" }>,
  knownSids: ReadonlySet<string>,
): Match {
  const sinceMs = aheadMs === null
    ? begun.firstAtMs - CLOCKS_APART_MS
    : begun.firstAtMs + aheadMs - ROUNDING_MS;
  const candidates = messages.filter((message) =>
    message.outbound && message.createdAtMs >= sinceMs && !knownSids.has(message.sid) &&
    isFrom(message, sender)
  );
  const found = candidates.filter((message) => sameText(message.body, body))
    .toSorted((a, b) => a.createdAtMs - b.createdAtMs)[0];
  if (found !== undefined) return { kind: "found", sid: found.sid };
  if (candidates.length > 0) return { kind: "unclear", why: "other-words" };
  return complete ? { kind: "clear" } : { kind: "unclear", why: "too-many" };
}

function isFrom(message: ListedMessage, sender: SmsSender | null): boolean {
  if (sender === null) return true;
  return senderName(sender) === ("from" in sender ? message.from : message.pool);
}

function sameText(listed: string, sent: string): boolean {
  const plain = (text: string) => text.replaceAll("\r\n", "\n").trim();
  return plain(listed) === plain(sent);
}

/** Whether the list shows a message, anybody's, that was created after the call had ended: then the list has come past ours. */
export function hasPassed(
  newest: Extract<Listing, { kind: "listed" }>,
  endedAtMs: number,
): boolean {
  const pastMs = newest.aheadMs === null
    ? endedAtMs + CLOCKS_APART_MS
    : endedAtMs + newest.aheadMs + ROUNDING_MS;
  return newest.messages.some(({ createdAtMs }) => createdAtMs >= pastMs);
}
