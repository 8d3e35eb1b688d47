/** The earlier of two times; null stands for never. */
export function earlier(aMs: number | null, bMs: number | null): number | null {
  if (aMs === null || bMs === null) return aMs ?? bMs;
  return Math.min(aMs, bMs);
}
