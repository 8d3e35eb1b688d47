import { LATE_SPANS_KEPT, LATE_TEXTS_MS } from "../rules.ts";

/** When the texts of a mapping that was released were its agents' to send. */
export interface LateSpan {
  /** By when a text was sent; both included. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Until then such a text may still come in. */
  readonly endsMs: number;
}

/** Reads what {@link afterRelease} wrote, without what is over by now; null: nothing was written. */
export function lateSpans(lateJson: string | null, nowMs: number): readonly LateSpan[] {
  if (lateJson === null) return [];
  const spans: readonly LateSpan[] = JSON.parse(lateJson);
  return spans.filter(({ endsMs }) => endsMs > nowMs);
}

/** What is kept of a session's releases once a mapping that was accepted then is released now. */
export function afterRelease(
  lateJson: string | null,
  acceptedUpstreamMs: number,
  nowMs: number,
): string {
  const span: LateSpan = {
    fromMs: acceptedUpstreamMs,
    // Where upstream's clock is ahead a text may stay inside that was said just before: better than one that leaks after.
    toMs: nowMs,
    endsMs: nowMs + LATE_TEXTS_MS,
  };
  return JSON.stringify([...lateSpans(lateJson, nowMs), span].slice(-LATE_SPANS_KEPT));
}
