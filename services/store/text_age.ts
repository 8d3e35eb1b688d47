import type { PersonJoined, SmsCandidate } from "./port/events.ts";
import { CLOCKS_APART_MS } from "./rules.ts";

/** A mapping, as far as it says which texts are its agents' own. */
export interface TextingMapping {
  readonly holderNickname: string;
  readonly acceptedUpstreamMs: number;
}

/** What a text that is told of now is measured by. */
export interface TextAge {
  /** Null: the session is mapped to nobody. */
  readonly mapping: TextingMapping | null;
  /** When a text was said that belongs to a mapping which was released lately; both included. */
  readonly late: readonly { readonly fromMs: number; readonly toMs: number }[];
  /** Who joined, by the messages that come together with the text. */
  readonly joined: readonly PersonJoined[];
  /** The highest index that the session had told of before; 0: none. */
  readonly toldUpTo: number;
}

/**
 * Whether a text leaves. It stays without a word where it is history: said before the mapping, as its index shows, or its time
 * where the index shows nothing. `too-old`: it was told of after the Accept, and its time says that it is from long before.
 */
export type TextFate = "leaves" | "stays" | "too-old";

/**
 * Upstream stamps its messages by another clock than the one that dates its answer to the Accept. So the index decides where it
 * can: what comes before the holder's own joining is history, and what comes after it, or after all that was ever told of, is
 * new unless it is older than the Accept by more than {@link CLOCKS_APART_MS}. Who joined may be in the history that upstream
 * replays alone: messages that come with it, and not with the holder's own joining, go by time without tolerance.
 */
export function textFate({ index, sentAtMs }: SmsCandidate, age: TextAge): TextFate {
  const { mapping, late, joined, toldUpTo } = age;
  if (late.some(({ fromMs, toMs }) => sentAtMs >= fromMs && sentAtMs <= toMs)) return "leaves";
  if (mapping === null) return "stays";
  const { acceptedUpstreamMs } = mapping;
  const joinedAt = holderJoinedAt(joined, mapping);
  if (joinedAt !== null && index < joinedAt) return "stays";
  const isAfter = joinedAt !== null || (joined.length === 0 && index > toldUpTo);
  if (sentAtMs >= acceptedUpstreamMs - (isAfter ? CLOCKS_APART_MS : 0)) return "leaves";
  return isAfter ? "too-old" : "stays";
}

/** The index at which the holder joined with the Accept: agents of the same name may have joined at other times. */
function holderJoinedAt(
  joined: readonly PersonJoined[],
  { holderNickname, acceptedUpstreamMs }: TextingMapping,
): number | null {
  const indexes = joined
    .filter(({ agent, atMs }) =>
      agent === holderNickname && atMs !== undefined &&
      Math.abs(atMs - acceptedUpstreamMs) <= CLOCKS_APART_MS
    )
    .map(({ index }) => index);
  return indexes.length === 0 ? null : Math.max(...indexes);
}
