import type { PersonJoined, SmsCandidate } from "./port/events.ts";
import { CLOCKS_APART_MS } from "./rules.ts";

/** A mapping, as far as it says which texts are its agents' own. */
export interface TextingMapping {
  readonly holderNickname: string;
  readonly acceptedUpstreamMs: number;
  /** The highest index that the session had told of when it was mapped; 0: none. */
  readonly toldUpTo: number;
  /** The index of the holder's own joining ({@link ownJoining}), once it was told; null: it was not. */
  readonly joinedAt: number | null;
}

/** What a text that is told of now is measured by. */
export interface TextAge {
  /** Null: the session is mapped to nobody. */
  readonly mapping: TextingMapping | null;
  /** When a text was said that belongs to a mapping which was released lately; both included. */
  readonly late: readonly { readonly fromMs: number; readonly toMs: number }[];
  /** Who joined, by the messages that come together with the text. */
  readonly joined: readonly PersonJoined[];
}

/**
 * Whether a text leaves. It stays without a word where it is history: said before the mapping, as its index shows, or its time
 * where the index shows nothing. `too-old`: it was told of after the Accept, and its time says that it is from long before.
 */
export type TextFate = "leaves" | "stays" | "too-old";

/**
 * Upstream stamps its messages by another clock than the one that dates its answer to the Accept. So the index decides where it
 * can: what comes before the holder's own joining is history, and what comes after it, or after all that was told of before
 * the Accept, is new unless it is older than the Accept by more than {@link CLOCKS_APART_MS}. It need not come in order. Until
 * the holder's joining is told, messages that come with other people's go by time without tolerance: they may be in the history
 * that upstream replays.
 */
export function textFate({ index, sentAtMs }: SmsCandidate, age: TextAge): TextFate {
  const { mapping, late, joined } = age;
  if (late.some(({ fromMs, toMs }) => sentAtMs >= fromMs && sentAtMs <= toMs)) return "leaves";
  if (mapping === null) return "stays";
  const { acceptedUpstreamMs, toldUpTo } = mapping;
  const joinedAt = ownJoining(joined, mapping);
  if (joinedAt !== null && index < joinedAt) return "stays";
  const isAfter = joinedAt !== null || (joined.length === 0 && index > toldUpTo);
  if (sentAtMs >= acceptedUpstreamMs - (isAfter ? CLOCKS_APART_MS : 0)) return "leaves";
  return isAfter ? "too-old" : "stays";
}

/**
 * The index at which the holder joined with the Accept; null: it was not told. Agents of the same name may have joined at other
 * times, so it has to be about the time of the Accept. Where upstream's clock is too far off for that, it is the last agent to
 * join in a log that is replayed from its beginning.
 */
export function ownJoining(
  joined: readonly PersonJoined[],
  { holderNickname, acceptedUpstreamMs, joinedAt }: TextingMapping,
): number | null {
  const atAccept = lastOf(
    joined.filter(({ agent, atMs }) =>
      agent === holderNickname && atMs !== undefined &&
      Math.abs(atMs - acceptedUpstreamMs) <= CLOCKS_APART_MS
    ),
  );
  if (atAccept !== null) return atAccept.index;
  if (joinedAt !== null || !joined.some(({ index }) => index === 1)) return joinedAt;
  const last = lastOf(joined.filter(({ agent }) => agent !== undefined));
  return last?.agent === holderNickname ? last.index : null;
}

function lastOf(joined: readonly PersonJoined[]): PersonJoined | null {
  return joined.toSorted((a, b) => b.index - a.index)[0] ?? null;
}
