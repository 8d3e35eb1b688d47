import { setImmediate } from "node:timers";
import type { Clock, Timer } from "../support/clock.ts";
import type { Ids } from "../support/ids.ts";
import type { Logger } from "../support/log.ts";
import { storeFailureReason } from "../store/failure_reason.ts";
import type { ClaimedBatch, ClaimedDelivery, DeliveryStore } from "../store/port/deliveries.ts";
import type { Governor } from "./governor.ts";
import type { AttemptEnd, Sink } from "./sink.ts";
import type { Settler } from "./settler.ts";

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
  /** How many lanes of a sink without settings of its own are served at once. */
  readonly concurrencyPerSink: number;
  /** How many attempts run at once in all; each sink's share is the governor's affair. */
  readonly concurrency?: number;
  /** Called with each sweep, once a minute: for what else is to be looked after now and then. */
  readonly onSweep?: () => void;
}

/** Carries deliveries from the outbox to their sinks. */
export interface DeliveryEngine {
  /** Begins with a claim: what an earlier process left is due. */
  start(): void;
  /** Something was published. */
  wake(): void;
  /** Claims nothing more; ends once the attempts under way are settled. Those still running after `withinMs` are aborted. */
  stop(withinMs: number): Promise<void>;
}

/** A claim takes at most this many, so that its reply stays small (32 events of 20 kB). */
const CLAIM_LIMIT = 32;
/** Picks up what a dead instance left and trims what is past its time; the only store command of an idle instance. */
const SWEEP_MS = 60_000;
/** How much of a drain is kept for writing down what was aborted: about one round trip of a slow store. */
const SETTLING_MS = 1_000;
const STORE_BACKOFF_MS = { first: 1_000, most: 30_000 };

const NOTHING: ClaimedBatch = { deliveries: [], nextDueAtMs: null, sweptAll: true, expired: 0 };

/**
 * One pump per process: settle what has ended, claim what is due, repeat while there is work. It sleeps until somebody
 * publishes, an attempt ends, or the earliest due time that the last claim told.
 */
export function createDeliveryEngine(options: DeliveryEngineOptions): DeliveryEngine {
  const { outbox, settler, clock, log } = options;
  const concurrency = options.concurrency ?? 1_024;
  const underWay = new Map<string, { sinkId: string; done: Promise<void> }>();
  const aborter = new AbortController();
  let state: "new" | "running" | "stopping" = "new";
  let pumping: Promise<void> | null = null;
  /** Something may be due: to be claimed. */
  let looking = false;
  /** Attempts have ended: to be written down. */
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
        await (underWay.size === 0 ? settleThenClaim() : settleAndClaim());
        failures = 0;
      } catch (error) {
        return retryLater(error);
      }
    }
  }

  /** Whether a claim is asked for; what has ended or was published until now is seen to. */
  function takeWishes(): boolean {
    const look = looking;
    looking = false;
    ended = false;
    return look;
  }

  /** With nothing else under way: what was settled may have freed what is due. */
  async function settleThenClaim(): Promise<void> {
    const look = takeWishes();
    const { written, isDue } = await settle();
    // The place of an attempt that could not be settled is free all the same.
    if (look || isDue || written === 0) begin(await claim());
  }

  /** Under load: both at once, as a round trip is what they mostly cost. What settling frees, the next claim takes. */
  async function settleAndClaim(): Promise<void> {
    // Attempts that end together are written down together: one turn costs microseconds, a round trip more.
    await nextTurn();
    // All of them have ended: a claim beside the settling would find nothing, and be repeated behind it.
    if (underWay.size === 0 || !(looking || backlog)) return await settleThenClaim();
    takeWishes();
    const settling = settle();
    // Whatever becomes of it, what was claimed has to be begun; it is awaited below.
    settling.catch(() => {});
    begin(await claim());
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
    const limit = Math.min(CLAIM_LIMIT, concurrency - underWay.size);
    // Every place is taken: the next attempt to end wakes the pump.
    if (limit <= 0) return NOTHING;
    const nowMs = clock.now();
    const sweep = nowMs - lastSweepMs >= SWEEP_MS;
    const { capacity, rates, reopensAtMs } = await options.governor.allowance(running());
    const batch = await outbox.claimDeliveries({
      nowMs,
      leaseToken,
      leaseUntilMs: nowMs + options.leaseMs,
      limit,
      capacityPerSink: options.concurrencyPerSink,
      capacity,
      rates,
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

  function running(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { sinkId } of underWay.values()) counts.set(sinkId, (counts.get(sinkId) ?? 0) + 1);
    return counts;
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

  function begin({ deliveries }: ClaimedBatch): void {
    for (const delivery of deliveries) {
      const done = attempt(delivery).finally(() => {
        underWay.delete(delivery.id);
        ended = true;
        run();
      });
      underWay.set(delivery.id, { sinkId: delivery.sinkId, done });
    }
  }

  async function attempt(delivery: ClaimedDelivery): Promise<void> {
    let end: AttemptEnd;
    try {
      end = await options.sinkFor(delivery.sinkId).attempt(delivery, aborter.signal);
    } catch (error) {
      // A fault of ours: what left is not known, so nothing is settled. The lease runs out and the next attempt
      // is told that this one was interrupted.
      log.error("delivery.attempt_failed", { deliveryId: delivery.id, error: String(error) });
      return;
    }
    log.info("delivery.attempted", {
      deliveryId: delivery.id,
      eventId: delivery.event.id,
      eventType: delivery.event.type,
      sessionId: delivery.event.sessionId,
      sinkId: delivery.sinkId,
      attempt: delivery.attempt,
      class: end.report.class,
      status: end.report.status,
      durationMs: end.report.durationMs,
      outcome: end.decision.status,
    });
    const lane = delivery.event.sessionId ?? delivery.id;
    options.governor.note({ sinkId: delivery.sinkId, lane, health: end.health });
    settler.add(delivery, end);
  }

  /** One turn of the event loop, in which whatever has ended is heard of. */
  function nextTurn(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
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
    // Only now: the claim that was under way has set it again.
    timer?.cancel();
    // What is aborted has to be written down within the time too.
    const deadline = clock.after(Math.max(0, withinMs - SETTLING_MS), () => aborter.abort());
    let settling = flushAtExit();
    await Promise.all([...underWay.values()].map(async ({ done }) => {
      await done;
      // As they end, so that an exit that comes early loses as little as it can.
      settling = settling.then(flushAtExit);
    }));
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
