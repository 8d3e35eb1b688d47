import { notificationText, sessionOf } from "../../tests/support/numbered_notifications.ts";
import { wallClockMs } from "./wall_clock.ts";
import type { World } from "./world.ts";

export interface OpenLoopOptions {
  readonly ratePerS: number;
  readonly seconds: number;
  readonly sessions: number;
  /** The number of the first notification; those of two runs in one world must differ. */
  readonly firstMark: number;
}

/** Durations of each event, in milliseconds, in the order of sending. */
export interface OpenLoopResult {
  /** From when it was to be sent until its 202 was there. */
  readonly acceptMs: readonly number[];
  /** From when it was to be sent until the head of its request was at the consumer. */
  readonly firstByteMs: readonly number[];
  /** From its 202 until then; 0 where the request was faster than the answer. */
  readonly afterAcceptMs: readonly number[];
}

const DELIVERED_WITHIN_MS = 30_000;

/**
 * Sends one notification per request at a steady rate, whether or not earlier ones were answered, and measures from the
 * moment at which each was to be sent. So a stall counts for every event that came up during it, and not only for one
 * ("coordinated omission").
 */
export async function runOpenLoop(
  { patchbay, consumer }: Pick<World, "patchbay" | "consumer">,
  { ratePerS, seconds, sessions, firstMark }: OpenLoopOptions,
): Promise<OpenLoopResult> {
  const count = Math.round(ratePerS * seconds);
  const startMs = wallClockMs() + 20;
  const dueMs = Array.from({ length: count }, (_, n) => startMs + n * 1_000 / ratePerS);
  const answeredMs = await Promise.all(dueMs.map(async (atMs, n) => {
    await new Promise((resolve) => setTimeout(resolve, atMs - wallClockMs()));
    const mark = firstMark + n;
    await patchbay.ingest(notificationText(mark, sessionOf(mark, sessions)));
    return wallClockMs();
  }));

  if (!await consumer.until(count, DELIVERED_WITHIN_MS)) {
    throw new Error(`Cannot measure: ${consumer.distinct()} of ${count} events were delivered`);
  }
  const { marks, atMs } = await consumer.report();
  const arrivedMs = new Map(marks.map((mark, at) => [mark - firstMark, atMs[at] ?? NaN]));
  const since = (from: readonly number[], to: (n: number) => number) =>
    from.map((fromMs, n) => to(n) - fromMs);
  const arrived = (n: number) => arrivedMs.get(n) ?? NaN;
  return {
    acceptMs: since(dueMs, (n) => answeredMs[n] ?? NaN),
    firstByteMs: since(dueMs, arrived),
    afterAcceptMs: since(answeredMs, arrived).map((ms) => Math.max(0, ms)),
  };
}
