import { LATE_SPANS_KEPT, LATE_TEXTS_MS } from "../rules.ts";

/** The time of a released mapping: its agents' texts of that time may still leave. */
export interface LateSpan {
  /** From when and until when a text was sent, both included. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Until then such a text may still come in. */
  readonly endsMs: number;
}

/** Reads what {@link afterRelease} wrote, without what is over by now; null where it has written nothing. */
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
    // Where upstream's clock is ahead, a text that was said just before the release may be kept back. That is better than
    // sending one that was said after it.
    toMs: nowMs,
    endsMs: nowMs + LATE_TEXTS_MS,
  };
  return JSON.stringify([...lateSpans(lateJson, nowMs), span].slice(-LATE_SPANS_KEPT));
}
