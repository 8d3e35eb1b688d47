/** A time of the API, from Unix milliseconds: `2026-11-22T10:00:00.000Z` (RFC 3339 §5.6). */
export function rfc3339(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
