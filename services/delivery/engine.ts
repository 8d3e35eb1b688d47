/**
 * The delivery engine, one per process, carries deliveries from the outbox to their sinks. Its life:
 *
 *     new ──start()──▶ running ──stop()──▶ stopping
 *
 * While it is running it is either asleep or pumping. One turn of the pump writes down what has ended, claims what is
 * due and begins those attempts. Turns follow each other for as long as there is something to do. What wakes it:
 *
 * - `wake()`, because something was published or made due: it claims.
 * - An attempt ends: it settles, and claims if that has made something due.
 * - The timer, at the earliest of the next due time, the reopening of a closed-off sink and the next sweep: it claims.
 * - The timer, 1 to 30 s after the store has failed: it claims. A wake or an ended attempt does not wait for this timer.
 *
 * When it is stopping it claims nothing more. Attempts under way may end by themselves; they are aborted shortly before
 * the time is over, and written down as they end.
 */

import { setImmediate } from "node:timers/promises";
import type { Clock, Timer } from "../support/clock.ts";
import type { Ids } from "../support/ids.ts";
import type { Logger } from "../support/log.ts";
import { storeFailureReason } from "../store/failure_reason.ts";
import type { ClaimedBatch, DeliveryStore } from "../store/port/deliveries.ts";
import { createAttempts } from "./attempts.ts";
import type { Governor } from "./governor.ts";
import type { Settler } from "./settler.ts";
import type { Sink } from "./sink.ts";

export interface DeliveryEngineOptions {
  readonly outbox: Pick<DeliveryStore, "claimDeliveries">;
  readonly settler: Settler;
  readonly governor: Governor;
  /** The sink that a sink id belongs to. */
  readonly sinkFor: (sinkId: string) => Sink;
  readonly clock: Clock;
  readonly random: () => number;
  readonly ids: Pick<Ids, "token">;
  readonly log: Logger;
  /** Longer than any attempt takes; after it a delivery comes back by itself. */
  readonly leaseMs: number;
  /** Called with each sweep, once a minute, for other things that have to be looked after now and then. */
  readonly onSweep?: () => void;
}

/** Carries deliveries from the outbox to their sinks. */
export interface DeliveryEngine {
  /** Begins with a claim: what an earlier process left is due. */
  start(): void;
  /** To be called when something was published or made due. */
  wake(): void;
  /** Claims nothing more; ends once the attempts under way are settled. Those still running after `withinMs` are aborted. */
  stop(withinMs: number): Promise<void>;
}

/** At most this many attempts run at once; the governor decides each sink's share. */
const MOST_UNDER_WAY = 1_024;
/** A claim takes at most this many, so that its reply stays small (32 events of 20 kB). */
const CLAIM_LIMIT = 32;
/** A sweep picks up what a dead instance left and trims what is past its time. An idle instance sends nothing else. */
const SWEEP_MS = 60_000;
/** How much of a drain is kept for writing down what was aborted: about one round trip of a slow store. */
const SETTLING_MS = 1_000;
const STORE_BACKOFF_MS = { first: 1_000, most: 30_000 };

const NOTHING: ClaimedBatch = { deliveries: [], nextDueAtMs: null, sweptAll: true, expired: 0 };

export function createDeliveryEngine(options: DeliveryEngineOptions): DeliveryEngine {
  const { outbox, settler, governor, clock, log } = options;
  const attempts = createAttempts({
    ...options,
    onEnded() {
      ended = true;
      run();
    },
  });
  let state: "new" | "running" | "stopping" = "new";
  let pumping: Promise<void> | null = null;
  /** Something may be due and is to be claimed. */
  let looking = false;
  /** Attempts have ended and are to be written down. */
  let ended = false;
  /** When the last settling was done, more was due than had been claimed. */
  let backlog = false;
  let timer: Timer | null = null;
  let timerAtMs = Infinity;
  let lastSweepMs = -Infinity;
  let failures = 0;
  // Kept while claims fail: one of them may have taken something before its reply was lost.
  let leaseToken = options.ids.token();

  function wake(): void {
    looking = true;
    run();
  }

  function run(): void {
    if (state !== "running") return;
    pumping ??= pump().finally(() => {
      pumping = null;
      // A wake between the pump's last look and its end must not be lost.
      if (looking || ended) run();
    });
  }

  async function pump(): Promise<void> {
    while ((looking || ended) && state === "running") {
      try {
        await (attempts.count() === 0 ? settleThenClaim() : settleAndClaim());
        failures = 0;
      } catch (error) {
        return retryLater(error);
      }
    }
  }

  /** Tells whether a claim is asked for. What has ended or was published until now counts as seen to. */
  function takeWishes(): boolean {
    const look = looking;
    looking = false;
    ended = false;
    return look;
  }

  /** With nothing else under way, one after the other: what is settled may make something due. */
  async function settleThenClaim(): Promise<void> {
    const look = takeWishes();
    const { written, isDue } = await settle();
    // The place of an attempt that could not be settled is free all the same.
    if (look || isDue || written === 0) attempts.begin((await claim()).deliveries);
  }

  /** Under load, both at once, since a round trip is most of their cost. The next claim takes what settling frees. */
  async function settleAndClaim(): Promise<void> {
    // One turn of the event loop, so that attempts that end together are written down together: it costs microseconds,
    // a round trip more.
    await setImmediate();
    // If all of them have ended, a claim beside the settling would find nothing, and be repeated after it.
    if (attempts.count() === 0 || !(looking || backlog)) return await settleThenClaim();
    takeWishes();
    const settling = settle();
    // Its failure is heard below: what was claimed has to be begun first.
    settling.catch(() => {});
    attempts.begin((await claim()).deliveries);
    if ((await settling).isDue) looking = true;
  }

  /** Writes down what has ended, and learns whether more is due. */
  async function settle(): Promise<{ readonly written: number; readonly isDue: boolean }> {
    const { written, nextDueAtMs, tellsAll } = await settler.flush();
    if (written === 0) return { written, isDue: false };
    backlog = nextDueAtMs !== null && nextDueAtMs <= clock.now();
    // The timer may stand at the end of a lease that has just been settled: waking for that would find nothing.
    if (!backlog) sleepUntil(Math.min(tellsAll ? Infinity : timerAtMs, nextDueAtMs ?? Infinity));
    return { written, isDue: backlog };
  }

  async function claim(): Promise<ClaimedBatch> {
    const limit = Math.min(CLAIM_LIMIT, MOST_UNDER_WAY - attempts.count());
    // Every place is taken: the next attempt to end wakes the pump.
    if (limit <= 0) return NOTHING;
    const nowMs = clock.now();
    const sweep = nowMs - lastSweepMs >= SWEEP_MS;
    const { reopensAtMs, ...allowance } = await governor.allowance(attempts.perSink());
    const batch = await outbox.claimDeliveries({
      nowMs,
      leaseToken,
      leaseUntilMs: nowMs + options.leaseMs,
      limit,
      ...allowance,
      sweep,
    });
    leaseToken = options.ids.token();
    if (batch.expired > 0) log.warn("delivery.expired", { count: batch.expired });
    if (sweep && batch.sweptAll) {
      lastSweepMs = nowMs;
      options.onSweep?.();
    }
    // A full batch is followed by another only where the store says that more is due: each look costs a round trip.
    const isMoreDue = batch.deliveries.length === limit && (batch.nextDueAtMs ?? Infinity) <= nowMs;
    if (isMoreDue || !batch.sweptAll) looking = true;
    else sleepUntil(Math.min(batch.nextDueAtMs ?? Infinity, reopensAtMs ?? Infinity));
    return batch;
  }

  function sleepUntil(dueAtMs: number): void {
    const nowMs = clock.now();
    const sweepAtMs = lastSweepMs + SWEEP_MS;
    timer?.cancel();
    timerAtMs = Math.min(dueAtMs, Math.max(sweepAtMs, nowMs));
    timer = clock.after(Math.max(0, timerAtMs - nowMs), () => {
      timerAtMs = Infinity;
      wake();
    });
  }

  /** The store is away: what is under way goes on, and everything resumes by itself once it is back. */
  function retryLater(error: unknown): void {
    const waitMs = Math.min(STORE_BACKOFF_MS.most, STORE_BACKOFF_MS.first * 2 ** failures);
    failures++;
    log.warn("delivery.store_unavailable", {
      error: String(error),
      reason: storeFailureReason(error),
      retryInMs: waitMs,
    });
    takeWishes();
    timer?.cancel();
    timerAtMs = Infinity;
    // Instances that lost the store together must not come back together.
    timer = clock.after(waitMs * (0.5 + options.random() / 2), wake);
  }

  async function stop(withinMs: number): Promise<void> {
    if (state !== "running") return;
    state = "stopping";
    await pumping;
    // Not earlier: the claim that was under way may have set it again.
    timer?.cancel();
    // What is aborted has to be written down within the time as well.
    const deadline = clock.after(Math.max(0, withinMs - SETTLING_MS), attempts.abort);
    let settling = flushAtExit();
    await Promise.all(
      attempts.ends().map(async (end) => {
        await end;
        // They are written down as they end, so that an exit that comes early loses as little as it can.
        settling = settling.then(flushAtExit);
      }),
    );
    deadline.cancel();
    await settling;
  }

  async function flushAtExit(): Promise<void> {
    try {
      await settler.flush();
    } catch (error) {
      // Their leases run out and another instance repeats them.
      log.error("delivery.unsettled_at_exit", { error: String(error) });
    }
  }

  return {
    start() {
      state = "running";
      wake();
    },
    wake,
    stop,
  };
}
