import { type BackOff, backOffMs } from "./back_off.ts";
import type { Clock, Timer } from "./clock.ts";

/** Runs passes over some work, never two at a time: when it is woken, and when the next one is due. */
export interface SinglePass {
  start(): void;
  /** There is something to do. A pass that is under way is followed by another one. */
  wake(): void;
  /** Begins no further pass, and resolves once none is under way. */
  stop(): Promise<void>;
}

export interface SinglePassOptions {
  /** A pass that throws is repeated after a wait. */
  readonly pass: () => Promise<void>;
  /** When the next pass is due although nobody has woken it (Unix milliseconds). */
  readonly nextAtMs: () => number;
  /** The first failure in a row; those that follow are not told. */
  readonly onFailing: (error: unknown) => void;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
}

const BACK_OFF: BackOff = { firstMs: 1_000, longestMs: 4_000 };

/** Runs nothing before `start`. */
export function createSinglePass(
  { pass, nextAtMs, onFailing, clock, random }: SinglePassOptions,
): SinglePass {
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
    failures++;
    if (failures === 1) onFailing(error);
    isWanted = false;
    sleepUntil(clock.now() + backOffMs(failures, BACK_OFF, random));
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
