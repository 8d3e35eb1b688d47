import type { Clock } from "../support/clock.ts";
import type { Logger } from "../support/log.ts";
import type { DeliveryRate } from "../store/port/deliveries.ts";
import { afterOutcome, type Breaker, CLOSED, stateOf } from "./breaker.ts";

/** How a sink wants to be sent to. */
export interface SinkSettings {
  readonly sinkId: string;
  /** How many of its lanes are served at once. */
  readonly concurrency: number;
  readonly rate: DeliveryRate | null;
  /** Nothing may go to it before this time; absent where there is no such time. */
  readonly closedUntilMs?: number;
}

/** How much may go to which sink now, in the terms of a claim. */
export interface Allowance {
  /** For each sink that `capacity` does not name. */
  readonly capacityPerSink: number;
  readonly capacity: Readonly<Record<string, number>>;
  readonly rates: Readonly<Record<string, DeliveryRate>>;
  /** When the first closed-off sink may be tried again; null where none is closed off. */
  readonly reopensAtMs: number | null;
}

/** Keeps the load on each sink within its settings and off sinks that only fail. */
export interface Governor {
  /** `underWay`: how many attempts each sink has running. */
  allowance(underWay: ReadonlyMap<string, number>): Promise<Allowance>;
  /** An attempt has ended; `lane` is its session's, or its own. */
  note(attempt: {
    readonly sinkId: string;
    readonly lane: string;
    readonly health: "success" | "failure" | null;
  }): void;
}

export interface GovernorOptions {
  /** The settings of every sink that has any; may be some seconds old. */
  readonly settings: () => Promise<readonly SinkSettings[]>;
  readonly clock: Clock;
  readonly log: Logger;
  /** How many lanes of a sink without settings are served at once. */
  readonly concurrencyPerSink: number;
}

export function createGovernor(options: GovernorOptions): Governor {
  const { clock, log, concurrencyPerSink } = options;
  const breakers = new Map<string, Breaker>();

  return {
    async allowance(underWay) {
      const nowMs = clock.now();
      const capacity: Record<string, number> = {};
      const rates: Record<string, DeliveryRate> = {};
      let reopensAtMs: number | null = null;
      const closeOff = (sinkId: string, untilMs: number) => {
        capacity[sinkId] = 0;
        reopensAtMs = Math.min(reopensAtMs ?? Infinity, untilMs);
      };
      for (const { sinkId, concurrency, rate, closedUntilMs = 0 } of await options.settings()) {
        capacity[sinkId] = concurrency;
        if (rate !== null) rates[sinkId] = rate;
        if (closedUntilMs > nowMs) closeOff(sinkId, closedUntilMs);
      }
      for (const [sinkId, breaker] of breakers) {
        const state = stateOf(breaker, nowMs);
        if (state === "half-open") capacity[sinkId] = 1;
        if (state === "open") closeOff(sinkId, breaker.openUntilMs);
      }
      for (const [sinkId, running] of underWay) {
        capacity[sinkId] = Math.max(0, (capacity[sinkId] ?? concurrencyPerSink) - running);
      }
      return { capacityPerSink: concurrencyPerSink, capacity, rates, reopensAtMs };
    },

    note({ sinkId, lane, health }) {
      if (health === null) return;
      const nowMs = clock.now();
      const before = breakers.get(sinkId) ?? CLOSED;
      const after = afterOutcome(before, { lane, failed: health === "failure", nowMs });
      if (after === CLOSED) breakers.delete(sinkId);
      else breakers.set(sinkId, after);
      const [was, is] = [stateOf(before, nowMs), stateOf(after, nowMs)];
      if (was !== is && is === "open") {
        log.warn("sink.closed_off", { sinkId, forMs: after.openForMs });
      } else if (was === "half-open" && is === "closed") log.info("sink.back", { sinkId });
    },
  };
}
