/** Unix milliseconds with microseconds behind the point; processes of one machine agree on it to a tenth of a millisecond. */
export function wallClockMs(): number {
  return performance.timeOrigin + performance.now();
}
