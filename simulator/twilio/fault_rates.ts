import type { FaultQueue } from "../kit/faults.ts";
import type { Random } from "../kit/simulator.ts";
import type { TwilioFaults } from "./fault_presets.ts";

/** How often, 0 to 1, a send goes wrong in each way; together at most 1. */
export interface FaultRates {
  /** 429; nothing is sent. */
  readonly rateLimited?: number;
  /** 500; `…Sent`: the message was sent all the same. */
  readonly serverError?: number;
  readonly serverErrorSent?: number;
  /** No answer. */
  readonly timeout?: number;
  readonly timeoutSent?: number;
  /** A broken connection. */
  readonly reset?: number;
  readonly resetSent?: number;
}

/** The ways, in the order in which they are drawn. */
export const FAULT_RATES = [
  "rateLimited",
  "serverError",
  "serverErrorSent",
  "timeout",
  "timeoutSent",
  "reset",
  "resetSent",
] as const satisfies readonly (keyof FaultRates)[];

const PLANS: Record<keyof FaultRates, (faults: TwilioFaults) => unknown> = {
  rateLimited: (faults) => faults.rateLimited(),
  serverError: (faults) => faults.serverError(),
  serverErrorSent: (faults) => faults.serverError({ when: "after-acting" }),
  timeout: (faults) => faults.timeoutBeforeActing(),
  timeoutSent: (faults) => faults.timeoutAfterActing(),
  reset: (faults) => faults.connectionReset(),
  resetSent: (faults) => faults.connectionReset({ when: "after-acting" }),
};

export interface ChanceOptions {
  readonly queue: FaultQueue;
  /** Of the same queue. */
  readonly faults: TwilioFaults;
  readonly rates: () => FaultRates;
  readonly random: Random;
}

/** A queue in which sends that no plan waits for go wrong by chance. */
export function withChance({ queue, faults, rates, random }: ChanceOptions): FaultQueue {
  return {
    ...queue,
    take(request) {
      const planned = queue.take(request);
      if (planned !== undefined || request.method !== "POST") return planned;
      const drawn = draw(rates(), random);
      if (drawn === null) return undefined;
      PLANS[drawn](faults);
      return queue.take(request);
    },
  };
}

function draw(rates: FaultRates, random: Random): keyof FaultRates | null {
  if (FAULT_RATES.every((name) => (rates[name] ?? 0) === 0)) return null;
  let left = random();
  for (const name of FAULT_RATES) {
    left -= rates[name] ?? 0;
    if (left < 0) return name;
  }
  return null;
}
