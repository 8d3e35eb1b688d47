/** The usual three of a set of durations, in milliseconds. */
export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** By the nearest rank: the smallest value that so many per cent do not exceed. NaN of an empty set. */
export function percentilesOf(valuesMs: readonly number[]): Percentiles {
  const sorted = valuesMs.toSorted((a, b) => a - b);
  const at = (percent: number) => sorted[Math.ceil(sorted.length * percent / 100) - 1] ?? NaN;
  return { p50: at(50), p95: at(95), p99: at(99) };
}
