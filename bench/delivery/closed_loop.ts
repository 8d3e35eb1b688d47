import { notificationText, sessionOf } from "../../tests/support/numbered_notifications.ts";
import { wallClockMs } from "./wall_clock.ts";
import type { World } from "./world.ts";

export interface ClosedLoopOptions {
  /** Before anything is counted. */
  readonly warmUpSeconds: number;
  readonly seconds: number;
  readonly sessions: number;
  readonly batch: number;
  /** At most this many events are accepted and not yet at the consumer. */
  readonly backlog: number;
  /** At the beginning of what is counted, and at its end. */
  readonly onEdge: () => Promise<void>;
}

export interface ClosedLoopResult {
  /** Distinct events that arrived at the consumer, per second of the counted time. */
  readonly perSecond: number;
  /** The same of the slowest whole second in it. */
  readonly slowestSecond: number;
  /** Accepted in all, warm-up included; all of them were delivered. */
  readonly events: number;
  /** Requests with a `webhook-id` that had been there before. */
  readonly repeats: number;
}

const SENDERS = 2;
const DELIVERED_WITHIN_MS = 60_000;

/**
 * Hands events in as fast as they are delivered: never more than `backlog` of them are on their way. What counts is what
 * arrives at the consumer while that goes on, so neither the filling nor the emptying of the backlog is in the figure.
 */
export async function runClosedLoop(
  { patchbay, consumer }: Pick<World, "patchbay" | "consumer">,
  options: ClosedLoopOptions,
): Promise<ClosedLoopResult> {
  const { sessions, batch, backlog } = options;
  let sent = 0;
  let running = true;

  async function send(): Promise<void> {
    while (running) {
      // Taken before the wait, so that two senders do not use the same room.
      const first = sent;
      sent += batch;
      if (!await consumer.until(sent - backlog, DELIVERED_WITHIN_MS)) {
        throw new Error(`Cannot measure: delivering stopped at ${consumer.distinct()} events`);
      }
      const texts = Array.from({ length: batch }, (_, n) => {
        const mark = first + n;
        return notificationText(mark, sessionOf(mark, sessions));
      });
      await patchbay.ingest(`[${texts.join(",")}]`);
    }
  }

  const senders = Promise.all(Array.from({ length: SENDERS }, send));
  const failed = senders.then(() => {});
  await Promise.race([failed, pause(options.warmUpSeconds)]);
  await options.onEdge();
  const fromMs = wallClockMs();
  await Promise.race([failed, pause(options.seconds)]);
  const untilMs = wallClockMs();
  await options.onEdge();
  running = false;
  await senders;

  if (!await consumer.until(sent, DELIVERED_WITHIN_MS)) {
    throw new Error(`Cannot measure: ${consumer.distinct()} of ${sent} events were delivered`);
  }
  const { atMs, repeats } = await consumer.report();
  const counted = atMs.filter((at) => at >= fromMs && at < untilMs);
  return {
    perSecond: counted.length / (untilMs - fromMs) * 1_000,
    slowestSecond: slowestSecond(counted, fromMs, untilMs),
    events: sent,
    repeats,
  };
}

function slowestSecond(atMs: readonly number[], fromMs: number, untilMs: number): number {
  const seconds = new Array<number>(Math.floor((untilMs - fromMs) / 1_000)).fill(0);
  for (const at of atMs) {
    const second = Math.floor((at - fromMs) / 1_000);
    if (second < seconds.length) seconds[second] = (seconds[second] ?? 0) + 1;
  }
  return Math.min(...seconds);
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
}
