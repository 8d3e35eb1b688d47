import type { Clock, Timer } from "../../support/clock.ts";
import type { RecordStore } from "../../store/port/records.ts";

// A lease's states, and what leads from one to the other:
//
//   not held -> held       `renew` has written the record in time
//   held     -> held       `renew`, every `renewEveryMs`
//   held     -> not held   `marginMs` before the record ends (`onLost`), found out by a timer or, where the process has
//                          slept, by the next `renew`; or `end`, or `dispose`

/** An instance's word that it is alive: while it holds, no other instance follows whom this one follows. */
export interface Lease {
  /** Whether it can be relied on now. */
  holds(): boolean;
  /** When it is to be renewed (Unix milliseconds); null: it is not held. */
  readonly renewAtMs: number | null;
  /** Takes or renews it. Throws `StoreUnavailable`. */
  renew(): Promise<void>;
  /** Gives it back, so that others need not wait for its end. Throws `StoreUnavailable`. */
  end(): Promise<void>;
  /** Leaves no timer behind; the record lapses by itself. */
  dispose(): void;
}

export interface LeaseTimes {
  /** How long an instance that is gone is taken to be alive. */
  readonly leaseMs: number;
  /**
   * How much earlier the instance itself stops to rely on it: its clock and others' may differ, and what it sent last may
   * still be on its way.
   */
  readonly marginMs: number;
  readonly renewEveryMs: number;
}

/** With these an instance's agents are taken over within 30 s of its death; clocks may differ by two seconds. */
export const LEASE_TIMES: LeaseTimes = { leaseMs: 20_000, marginMs: 2_000, renewEveryMs: 7_000 };

export interface LeaseOptions {
  readonly records: Pick<RecordStore, "writeRecord">;
  readonly instanceId: string;
  readonly times: LeaseTimes;
  readonly clock: Clock;
  /** It ran out without having been renewed: from now on others may follow. */
  readonly onLost: () => void;
}

/** The lease is not held yet. */
export function createLease({ records, instanceId, times, clock, onLost }: LeaseOptions): Lease {
  let untilMs: number | null = null;
  let timer: Timer | null = null;

  function lose(): void {
    if (untilMs === null) return;
    release();
    onLost();
  }

  function release(): void {
    untilMs = null;
    timer?.cancel();
    timer = null;
  }

  function holds(): boolean {
    return untilMs !== null && clock.now() < untilMs - times.marginMs;
  }

  return {
    holds,
    get renewAtMs() {
      return untilMs === null ? null : untilMs - times.leaseMs + times.renewEveryMs;
    },
    async renew() {
      // The process may have slept past the lease's end: what it did by that lease has to stop before a new one begins.
      if (!holds()) lose();
      // Taken before the write, so that the record may live longer than we count on, and never shorter.
      const nowMs = clock.now();
      const nextUntilMs = nowMs + times.leaseMs;
      const write = {
        kind: "instance",
        key: instanceId,
        text: String(nextUntilMs),
        untilMs: nextUntilMs,
        nowMs,
      } as const;
      await records.writeRecord(write);
      if (clock.now() >= nextUntilMs - times.marginMs) return lose();
      untilMs = nextUntilMs;
      timer?.cancel();
      timer = clock.after(untilMs - times.marginMs - clock.now(), lose);
    },
    async end() {
      release();
      await records.writeRecord({
        kind: "instance",
        key: instanceId,
        text: null,
        untilMs: null,
        nowMs: clock.now(),
      });
    },
    dispose: release,
  };
}
