/** Bounds of a wait that doubles with every failure in a row. */
export interface BackOff {
  readonly firstMs: number;
  readonly longestMs: number;
}

/**
 * How long to wait after `failures` failures in a row (1 is the first). `random` gives numbers in [0, 1). Pure but for it.
 */
export function backOffMs(
  failures: number,
  { firstMs, longestMs }: BackOff,
  random: () => number,
): number {
  return jittered(Math.min(longestMs, firstMs * 2 ** (failures - 1)), random);
}

/** A time between half of `waitMs` and all of it: chance spreads those who wait, and cannot make the wait none. */
export function jittered(waitMs: number, random: () => number): number {
  return waitMs * (0.5 + random() / 2);
}
