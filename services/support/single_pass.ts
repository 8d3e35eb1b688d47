import type { Clock, Timer } from "./clock.ts";
import type { Logger } from "./log.ts";

/** Runs passes, never two at a time: when woken, and when the last one said so. */
export interface Pump {
  start(): void;
  /** Something is to be done: the pass under way is followed by another. */
  wake(): void;
  /** Begins no further pass; resolves once none is under way. */
  stop(): Promise<void>;
}

export interface PumpOptions {
  readonly pass: () => Promise<void>;
  /** When the next pass is due although nobody asks for it. */
  readonly nextAtMs: () => number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

const WAITS_MS = { first: 1_000, longest: 4_000 };

/** A pump that stands still. A pass that throws is repeated before long. */
export function createPump({ pass, nextAtMs, clock, random, log }: PumpOptions): Pump {
  let state: "new" | "running" | "stopped" = "new";
  let isWanted = false;
  let passing: Promise<void> | null = null;
  let timer: Timer | null = null;
  let failures = 0;

  function wake(): void {
    if (state !== "running") return;
    isWanted = true;
    passing ??= passes().finally(() => {
      passing = null;
      // A wake between the last look and the end must not be lost.
      if (isWanted) wake();
    });
  }

  async function passes(): Promise<void> {
    timer?.cancel();
    while (isWanted && state === "running") {
      isWanted = false;
      try {
        await pass();
        failures = 0;
      } catch (error) {
        return retryLater(error);
      }
    }
    sleepUntil(nextAtMs());
  }

  function sleepUntil(atMs: number): void {
    timer?.cancel();
    if (state === "running") timer = clock.after(Math.max(0, atMs - clock.now()), wake);
  }

  function retryLater(error: unknown): void {
    if (failures === 0) log.warn("subscriber.roster_failed", { error: String(error) });
    const waitMs = Math.min(WAITS_MS.longest, WAITS_MS.first * 2 ** failures);
    failures++;
    isWanted = false;
    sleepUntil(clock.now() + waitMs * (0.5 + random() / 2));
  }

  return {
    start() {
      state = "running";
      wake();
    },
    wake,
    async stop() {
      state = "stopped";
      isWanted = false;
      timer?.cancel();
      await passing;
      timer?.cancel();
    },
  };
}
