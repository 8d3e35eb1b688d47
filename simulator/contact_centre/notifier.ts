import { type Clock, pause } from "../../services/support/clock.ts";
import type { Addressed } from "./outcome.ts";

/** Receives each notification; a promise holds back the next one. */
export type Notify = (
  notification: Readonly<Record<string, unknown>>,
  to: Omit<Addressed, "notification">,
) => void | Promise<void>;

/** Where notifications are posted, one per request. */
export interface Ingress {
  readonly url: string;
  /** Sent as a bearer token. */
  readonly token?: string;
  /** How often a 5xx answer or a failed connection is tried again; 5 unless told otherwise. */
  readonly retries?: number;
  /** The wait before each retry, on the simulator's clock; 200 unless told otherwise. */
  readonly retryWaitMs?: number;
}

/** A notification that was given up, and why. */
export interface Undelivered extends Addressed {
  readonly reason: string;
}

/** Hands notifications on in order, one at a time. */
export interface Notifier {
  /** Queues a batch behind everything before it; its first one waits for `after`, which must not reject. */
  enqueue(batch: readonly Addressed[], after?: Promise<void>): void;
  /** The next notifications, so many of them, reach nobody. */
  lose(count: number): void;
  /** Resolves once everything that was queued has been delivered or given up. */
  idle(): Promise<void>;
  readonly undelivered: readonly Undelivered[];
  /** Breaks off what is under way and drops the rest. */
  close(): Promise<void>;
}

export interface NotifierOptions {
  readonly notify: Notify | undefined;
  readonly ingress: Ingress | undefined;
  readonly clock: Clock;
  readonly fetch: typeof fetch;
}

/** A notifier with nothing to do. */
export function createNotifier({ notify, ingress, clock, fetch }: NotifierOptions): Notifier {
  const undelivered: Undelivered[] = [];
  const closed = new AbortController();
  let tail: Promise<void> = Promise.resolve();
  let toLose = 0;

  async function deliver(addressed: Addressed): Promise<void> {
    try {
      const { notification, ...to } = addressed;
      await notify?.(notification, to);
      if (ingress !== undefined) await post(ingress, notification);
    } catch (error) {
      if (closed.signal.aborted) return;
      undelivered.push({ ...addressed, reason: String(error) });
    }
  }

  async function post(
    { url, token, retries = 5, retryWaitMs = 200 }: Ingress,
    notification: Addressed["notification"],
  ): Promise<void> {
    for (let left = retries;; left--) {
      const fault = await postOnce(url, token, JSON.stringify(notification));
      if (fault === null) return;
      if (!fault.retry || left === 0 || closed.signal.aborted) throw new Error(fault.reason);
      await pause(clock, retryWaitMs, closed.signal);
    }
  }

  async function postOnce(
    url: string,
    token: string | undefined,
    body: string,
  ): Promise<{ readonly retry: boolean; readonly reason: string } | null> {
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        body,
        redirect: "manual",
        signal: closed.signal,
      });
      await response.body?.cancel();
      if (response.ok) return null;
      return { retry: response.status >= 500, reason: `the ingress answered ${response.status}` };
    } catch (error) {
      return { retry: true, reason: `the ingress was not reached: ${error}` };
    }
  }

  return {
    enqueue(wholeBatch, after = Promise.resolve()) {
      const batch = wholeBatch.slice(toLose);
      toLose -= wholeBatch.length - batch.length;
      if (batch.length === 0) return;
      tail = tail.then(async () => {
        await after;
        for (const addressed of batch) {
          if (closed.signal.aborted) return;
          await deliver(addressed);
        }
      });
    },
    lose(count) {
      toLose += count;
    },
    async idle() {
      let seen: Promise<void>;
      do {
        seen = tail;
        await seen;
      } while (seen !== tail);
    },
    undelivered,
    async close() {
      closed.abort();
      await tail;
    },
  };
}
