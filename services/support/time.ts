/** A time of the API, from Unix milliseconds: `2026-11-22T10:00:00.000Z` (RFC 3339 §5.6). */
export function rfc3339(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

/** The earlier of two times; null stands for never. */
export function earlier(aMs: number | null, bMs: number | null): number | null {
  if (aMs === null || bMs === null) return aMs ?? bMs;
  return Math.min(aMs, bMs);
}
