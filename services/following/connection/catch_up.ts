import { type Clock, pause } from "../../support/clock.ts";
import { PatchbayError } from "../../errors.ts";
import type { Logger } from "../../support/log.ts";
import type { SubscriberCounters } from "./counters.ts";
import { resync, type ResyncDependencies, type ResyncOutcome } from "../resync/resync.ts";

export interface CatchUpOptions {
  /** What a resync needs; it is to be broken off with `signal`. */
  readonly dependencies: ResyncDependencies;
  readonly signal: AbortSignal;
  /** The first try is over, however it went. */
  readonly onTried: () => void;
  readonly clock: Clock;
  readonly random: () => number;
  readonly counters: SubscriberCounters;
  readonly log: Logger;
}

const WAITS_MS = { first: 1_000, longest: 8_000 };
/** A resync that upstream refuses is tried so often before the agent is followed without one. */
const MAX_REFUSALS = 3;

/**
 * Resyncs until it is done, or upstream has refused it for good: then the agent is followed all the same, as hearing from
 * now on is better than not at all. False: broken off before that. Never rejects.
 */
export async function catchUp(options: CatchUpOptions): Promise<boolean> {
  const { dependencies, signal, onTried, clock, random, counters, log } = options;
  let refusals = 0;
  for (let tries = 0; !signal.aborted; tries++) {
    const outcome = await tryResync(dependencies);
    onTried();
    if (signal.aborted) return false;
    if (outcome.ok) {
      counters.resyncs++;
      counters.departures += outcome.departed;
      return true;
    }
    if (!outcome.passing && ++refusals >= MAX_REFUSALS) {
      counters.resyncsGivenUp++;
      const { agentId } = dependencies;
      log.warn("subscriber.resync_given_up", { agentId, reason: outcome.why });
      return true;
    }
    const waitMs = Math.min(WAITS_MS.longest, WAITS_MS.first * 2 ** tries);
    await pause(clock, waitMs * (0.5 + random() / 2), signal);
  }
  return false;
}

async function tryResync(dependencies: ResyncDependencies): Promise<ResyncOutcome> {
  try {
    return await resync(dependencies);
  } catch (error) {
    // The store or upstream is away. What is neither is a fault of ours, which repeating hardly mends.
    const isPassing = error instanceof PatchbayError;
    return { ok: false, passing: isPassing, why: isPassing ? error.code : String(error) };
  }
}
