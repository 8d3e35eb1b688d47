/**
 * The circuit breaker of one sink, as pure steps: when attempts keep failing it opens, and what is due waits without
 * costing attempts; after a while one probe decides whether it closes.
 */

/** What the breaker of one process knows: each instance finds out for itself. */
export interface Breaker {
  /** Outcomes of the last five minutes, in slices. */
  readonly slices: readonly Slice[];
  /** Failures since the last success. */
  readonly streak: number;
  /** When the first failure of the streak was. */
  readonly streakSinceMs: number;
  /** The lanes of that streak, up to as many as are needed. */
  readonly lanes: readonly string[];
  /** 0 while it is closed. */
  readonly openUntilMs: number;
  /** For how long it was opened last; 0 once it has closed. */
  readonly openForMs: number;
}

interface Slice {
  readonly startMs: number;
  readonly failed: number;
  readonly all: number;
}

export interface Outcome {
  readonly lane: string;
  readonly failed: boolean;
  readonly nowMs: number;
}

/** How much may go to the sink. */
export type BreakerState = "closed" | "half-open" | "open";

const STREAK = 10;
const WINDOW_MS = 5 * 60_000;
const SLICE_MS = 30_000;
const MIN_OUTCOMES = 10;
const FAILED_SHARE = 0.7;
const FIRST_OPEN_MS = 30_000;
const LONGEST_OPEN_MS = 15 * 60_000;
/**
 * One session's retries say little about an endpoint, and a consumer that fails every other call at random will fail ten
 * in a row within milliseconds at some hundred calls a second. Neither may open a breaker.
 */
const MIN_LANES = 3;
const MIN_DURATION_MS = 5_000;

export const CLOSED: Breaker = {
  slices: [],
  streak: 0,
  streakSinceMs: 0,
  lanes: [],
  openUntilMs: 0,
  openForMs: 0,
};

export function stateOf({ openUntilMs, openForMs }: Breaker, nowMs: number): BreakerState {
  if (openForMs === 0) return "closed";
  return nowMs < openUntilMs ? "open" : "half-open";
}

/** The breaker after an attempt has ended. */
export function afterOutcome(breaker: Breaker, outcome: Outcome): Breaker {
  const { nowMs, failed } = outcome;
  const state = stateOf(breaker, nowMs);
  if (state === "half-open") return failed ? opened(breaker, nowMs) : CLOSED;
  const counted = count(breaker, outcome);
  // Attempts that were under way when it opened change nothing: the probe decides.
  if (state === "open") return counted;
  return shouldOpen(counted, nowMs) ? opened(counted, nowMs) : counted;
}

function count(breaker: Breaker, { lane, failed, nowMs }: Outcome): Breaker {
  const startMs = nowMs - nowMs % SLICE_MS;
  const recent = breaker.slices.filter((slice) => slice.startMs > nowMs - WINDOW_MS);
  const current = recent.find((slice) => slice.startMs === startMs) ??
    { startMs, failed: 0, all: 0 };
  const slices = [
    ...recent.filter((slice) => slice !== current),
    { startMs, failed: current.failed + (failed ? 1 : 0), all: current.all + 1 },
  ];
  if (!failed) return { ...breaker, slices, streak: 0, lanes: [] };
  const known = breaker.lanes.includes(lane) || breaker.lanes.length >= MIN_LANES;
  return {
    ...breaker,
    slices,
    streak: breaker.streak + 1,
    streakSinceMs: breaker.streak === 0 ? nowMs : breaker.streakSinceMs,
    lanes: known ? breaker.lanes : [...breaker.lanes, lane],
  };
}

function shouldOpen({ slices, streak, streakSinceMs, lanes }: Breaker, nowMs: number): boolean {
  if (lanes.length < MIN_LANES) return false;
  if (streak >= STREAK && nowMs - streakSinceMs >= MIN_DURATION_MS) return true;
  const all = slices.reduce((sum, slice) => sum + slice.all, 0);
  const failed = slices.reduce((sum, slice) => sum + slice.failed, 0);
  const sinceMs = Math.min(...slices.map(({ startMs }) => startMs));
  return all >= MIN_OUTCOMES && failed >= all * FAILED_SHARE && nowMs - sinceMs >= SLICE_MS;
}

function opened(breaker: Breaker, nowMs: number): Breaker {
  const openForMs = breaker.openForMs === 0
    ? FIRST_OPEN_MS
    : Math.min(LONGEST_OPEN_MS, breaker.openForMs * 2);
  return { ...CLOSED, openForMs, openUntilMs: nowMs + openForMs };
}
