import type { Settlement } from "../../services/store/port/deliveries.ts";
import type { Store } from "../../services/store/port/store.ts";

/** A store whose outbox tells what was asked of it: how a test follows the delivery engine without sleeping. */
export interface ObservedOutbox {
  readonly store: Store;
  /** How many claims and settlements were answered. */
  readonly calls: { claims: number; settles: number };
  /** Resolves once `condition` holds; looked at after each answer of the outbox. */
  until(condition: () => boolean | Promise<boolean>): Promise<void>;
  /** Resolves after the next answer that says that nothing is due, when nothing is under way either. */
  untilIdle(): Promise<void>;
  /** The lease tokens of all claims that were asked for. */
  readonly tokens: readonly string[];
  /** While set, every call of the outbox fails with it. */
  failure: Error | null;
}

export function observeOutbox(inner: Store): ObservedOutbox {
  const calls = { claims: 0, settles: 0 };
  const tokens: string[] = [];
  let waiting: (() => void)[] = [];
  let nothingDue = false;
  let unsettled = 0;

  let turn: ReturnType<typeof setTimeout> | null = null;

  function told(): void {
    turn = null;
    const all = waiting;
    waiting = [];
    for (const resolve of all) resolve();
  }

  // One turn of the event loop later: by then the caller has had its answer and done what follows from it at once.
  function tellSoon(): void {
    turn ??= setTimeout(told, 0);
  }

  const next = () => new Promise<void>((resolve) => waiting.push(resolve));

  const observed: ObservedOutbox = {
    calls,
    tokens,
    failure: null,
    store: {
      ...inner,
      close() {
        if (turn !== null) clearTimeout(turn);
        return inner.close();
      },
      async claimDeliveries(request) {
        tokens.push(request.leaseToken);
        try {
          if (observed.failure !== null) throw observed.failure;
          const batch = await inner.claimDeliveries(request);
          calls.claims++;
          nothingDue = batch.deliveries.length === 0;
          unsettled += batch.deliveries.length;
          return batch;
        } finally {
          tellSoon();
        }
      },
      async settleDeliveries(request) {
        try {
          if (observed.failure !== null) throw observed.failure;
          const outcome = await inner.settleDeliveries(request);
          calls.settles++;
          if (outcome.outcome === "settled") {
            unsettled -= request.settlements.length;
            nothingDue = isLater(outcome.nextDueAtMs, request.settlements);
          }
          return outcome;
        } finally {
          tellSoon();
        }
      },
    },
    async until(condition) {
      while (!(await condition())) await next();
    },
    async untilIdle() {
      do await next(); while (!nothingDue || unsettled > 0);
    },
  };
  return observed;
}

function isLater(dueAtMs: number | null, settlements: readonly Settlement[]): boolean {
  return dueAtMs === null || settlements.every(({ nowMs }) => dueAtMs > nowMs);
}
