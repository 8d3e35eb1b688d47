/**
 * Numbers, lists and small decisions that both engines go by. SQLite's files import them; the scripts of Redis get what
 * they need with their policy (redis/shards.ts).
 */
import {
  DELIVERY_STATUSES,
  type DeliveryStatus,
  type Settlement,
  SMS_SINK,
} from "./port/deliveries.ts";

/** What a status says of its delivery. */
type StatusTrait =
  /** It has its place in its lane: what is behind waits for it. */
  | "open"
  /** It waits for an attempt, and may be held before that. */
  | "waiting"
  /** It has left, or may have: a text is not sent again. */
  | "spent";

const STATUS_TRAITS: Readonly<Record<DeliveryStatus, readonly StatusTrait[]>> = {
  pending: ["open", "waiting"],
  delivering: ["open"],
  delivered: ["spent"],
  retrying: ["open", "waiting"],
  dead: [],
  expired: [],
  held: ["open"],
  unknown: ["spent"],
};

function statusesThatAre(trait: StatusTrait): readonly DeliveryStatus[] {
  return DELIVERY_STATUSES.filter((status) => STATUS_TRAITS[status].includes(trait));
}

export const OPEN_STATUSES = statusesThatAre("open");
export const WAITING_STATUSES = statusesThatAre("waiting");
export const SPENT_STATUSES = statusesThatAre("spent");

/** Deliveries that are dropped together with their events. Those that expired are shown {@link EXPIRED_SHOWN_MS} longer. */
export const FINISHED_STATUSES = DELIVERY_STATUSES.filter((status) =>
  status !== "expired" && !OPEN_STATUSES.includes(status)
);

/** Whether nothing may send a delivery again: it is a text that has left, or may have. */
export function isSpent(sinkId: string, status: DeliveryStatus): boolean {
  return sinkId === SMS_SINK && SPENT_STATUSES.includes(status);
}

/** Whether a settlement tells of an attempt: if not, none is counted or logged. */
export function isAttempted(next: Settlement["next"]): boolean {
  return next.status !== "held" && !(next.status === "retrying" && next.counted === false);
}

/** A state notification equal to the session's last one within this time is a duplicate (DESIGN §8). */
export const STATE_DUPLICATE_WINDOW_MS = 60_000;

/** The state of a mapping of which upstream has told none yet (DESIGN §5). */
export const UNHEARD_STATE = "accepted";

/** How many attempts of one delivery are kept in its log. */
export const ATTEMPTS_KEPT = 30;

/** Deliveries of one lane are ordered by the event's sequence, then by the message's place in the event. */
export const POSITIONS_PER_EVENT = 16_384;

/**
 * How long after a mapping was released a text that its agents had said before may come in and still leave as SMS: upstream
 * may tell of it after Patchbay has forwarded the Complete, Leave or Transfer that followed it.
 */
export const LATE_TEXTS_MS = 120_000;

/** How far upstream's clocks may be apart: that of its messages, and the one that dates its answers. */
export const CLOCKS_APART_MS = 30_000;

/** The progress of a text that was judged too old as it came in: it never leaves, and its delivery ends by saying so. */
export const TOO_OLD_PROGRESS = '{"tooOld":true}';

/** For how many releases of one session this is remembered at most: the last ones. */
export const LATE_SPANS_KEPT = 8;

/** At most this many rows or index entries are dropped in one sweep, so that a sweep never stalls deliveries. */
export const SWEEP_LIMIT = 500;

/** How long a delivery that expired, because its event's retention was over, is shown as such. */
export const EXPIRED_SHOWN_MS = 60 * 60_000;

/**
 * How long a key of Redis outlives what it holds, so that the sweep still finds what to take out of the indexes: at least
 * as long as what expired is shown.
 */
export const KEY_MARGIN_MS = EXPIRED_SHOWN_MS;

/** How long a session's sequence, seen messages and customer are remembered after its last event. */
export function memoryTtlMs(policy: { sessionTtlMs: number; eventRetentionMs: number }): number {
  return Math.max(policy.sessionTtlMs, policy.eventRetentionMs);
}

/** What an event's own data is after its session was expunged. */
export const EXPUNGED_DATA_JSON = '{"expunged":true}';

/** The member of an attempt's log entry that repeats the consumer's answer. It is removed when the session is expunged. */
export const EXCERPT_MEMBER = "responseExcerpt";

/** The id under which a named bucket is kept. Sinks' buckets have their sinks' ids, and no sink has such a one. */
export function bucketId(bucket: string): string {
  return `named:${bucket}`;
}

/** The digits of a telephone number, by which both engines look for it, so that `+1 (415)…` and `1415…` are one. */
export function digitsOf(phone: string): string;
export function digitsOf(phone: string | null): string | null;
export function digitsOf(phone: string | null): string | null {
  return phone === null ? null : phone.replace(/[^0-9]/g, "");
}
