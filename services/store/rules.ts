/**
 * Numbers that both engines go by.
 */

/** A state notification equal to the session's last one within this time is a duplicate (DESIGN §8). */
export const STATE_DUPLICATE_WINDOW_MS = 60_000;

/** How many attempts of one delivery are kept in its log. */
export const ATTEMPTS_KEPT = 30;

/** Deliveries of one lane are ordered by the event's sequence, then by the message's place in the event. */
export const POSITIONS_PER_EVENT = 16_384;

/**
 * How long after a mapping was released a text that its agents had said before may come in and still leave as SMS: upstream
 * may tell of it after Patchbay has forwarded the Complete, Leave or Transfer that followed it.
 */
export const LATE_TEXTS_MS = 120_000;

/** Of so many releases of one session at most, the last ones. */
export const LATE_SPANS_KEPT = 8;

/** At most this many rows or index entries are dropped in one sweep, so that a sweep never stalls deliveries. */
export const SWEEP_LIMIT = 500;

/** How long a delivery that expired, because its event's retention was over, is shown as such. */
export const EXPIRED_SHOWN_MS = 60 * 60_000;

/** How long a session's sequence, seen messages and customer are remembered after its last event. */
export function memoryTtlMs(policy: { sessionTtlMs: number; eventRetentionMs: number }): number {
  return Math.max(policy.sessionTtlMs, policy.eventRetentionMs);
}

/** What an event's own data is after its session was expunged. */
export const EXPUNGED_DATA_JSON = '{"expunged":true}';

/** A telephone number as both engines look for it: its digits alone, so that `+1 (415)…` and `1415…` are one. */
export function digitsOf(phone: string): string;
export function digitsOf(phone: string | null): string | null;
export function digitsOf(phone: string | null): string | null {
  return phone === null ? null : phone.replace(/[^0-9]/g, "");
}
