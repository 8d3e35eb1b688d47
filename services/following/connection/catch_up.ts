import { PatchbayError } from "../../errors.ts";
import { type BackOff, backOffMs } from "../../support/back_off.ts";
import { type Clock, pause } from "../../support/clock.ts";
import type { Logger } from "../../support/log.ts";
import { resync, type ResyncOutcome } from "../resync/resync.ts";
import type { ResyncDependencies } from "../resync/resync_dependencies.ts";
import type { ConnectionCounters } from "./counters.ts";

export interface CatchUpOptions {
  /** What a resync needs; `signal` breaks it off, too. */
  readonly dependencies: ResyncDependencies;
  readonly signal: AbortSignal;
  /** The first try is over, however it went. */
  readonly onTried: () => void;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly counters: Pick<ConnectionCounters, "resyncs" | "resyncsGivenUp" | "departures">;
  readonly log: Logger;
}

const BACK_OFF: BackOff = { firstMs: 1_000, longestMs: 8_000 };
/** After so many refusals by upstream the agent is followed without a resync. */
const MAX_REFUSALS = 3;

/**
 * Resyncs until that has succeeded, or until upstream has refused it for good: then the agent is followed all the same, as
 * hearing from now on is better than not at all. False: it was broken off before. Never rejects.
 */
export async function catchUp(options: CatchUpOptions): Promise<boolean> {
  const { dependencies, signal, onTried, clock, random, counters, log } = options;
  let refusals = 0;
  for (let tries = 1; !signal.aborted; tries++) {
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
    await pause(clock, backOffMs(tries, BACK_OFF, random), signal);
  }
  return false;
}

async function tryResync(dependencies: ResyncDependencies): Promise<ResyncOutcome> {
  try {
    return await resync(dependencies);
  } catch (error) {
    // The store or upstream is away. Anything else is a fault of ours, which repeating hardly mends.
    const isPassing = error instanceof PatchbayError;
    return { ok: false, passing: isPassing, why: isPassing ? error.code : String(error) };
  }
}
