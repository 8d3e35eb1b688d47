import { StoreUnavailable } from "../../errors.ts";
import { type BackOff, backOffMs } from "../../support/back_off.ts";
import { type Clock, pause } from "../../support/clock.ts";
import type { HeardNotification } from "../resync/notification_writer.ts";

/** The notifications of one connection on their way to the store: one at a time, in order, nothing skipped. */
export interface NotificationQueue {
  /** Takes what upstream told by itself. While the queue is held, that waits for {@link NotificationQueue.release}. */
  hear(dataText: string): void;
  /** Takes what upstream answered when asked, ahead of whatever is held. Resolves once it is in the store. */
  insert(dataText: string): Promise<void>;
  hold(): void;
  release(): void;
  /** The texts that are held now. */
  held(): readonly string[];
  /** Forgets what is not in the store yet, except the notification that is just being written. */
  clear(): void;
  /** Resolves once nothing is waiting to be written. */
  idle(): Promise<void>;
  /** Gives up what is left; resolves once nothing is under way. */
  stop(): Promise<void>;
}

export interface NotificationQueueOptions {
  /** Writes one notification. A `StoreUnavailable` is tried again for as long as it takes; nothing else is thrown. */
  readonly write: (notification: HeardNotification) => Promise<void>;
  /** The queue keeps no more notifications than this, as memory has an end; {@link QUEUE_CAPACITY}. */
  readonly capacity?: number;
  /**
   * There was no room. The queue is cleared and takes nothing before the next {@link NotificationQueue.hold}: what is
   * missing has to be asked for.
   */
  readonly onOverflow: () => void;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
}

interface Waiting extends HeardNotification {
  readonly done: () => void;
}

/** So many notifications are kept while the store is away. */
const QUEUE_CAPACITY = 1_000;

const BACK_OFF: BackOff = { firstMs: 250, longestMs: 4_000 };

/** The queue is empty and not held. */
export function createNotificationQueue(options: NotificationQueueOptions): NotificationQueue {
  const { write, onOverflow, clock, random, capacity = QUEUE_CAPACITY } = options;
  const stopping = new AbortController();
  let waiting: Waiting[] = [];
  let heldBack: Waiting[] = [];
  let isHeld = false;
  let isDeaf = false;
  let working: Promise<void> | null = null;

  function work(): void {
    working ??= writeAll().finally(() => {
      working = null;
      if (waiting.length > 0 && !stopping.signal.aborted) work();
    });
  }

  async function writeAll(): Promise<void> {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      await writeOne(next);
      // The queue may have been cleared in the meantime.
      if (waiting[0] === next) waiting.shift();
      next.done();
      if (stopping.signal.aborted) return;
    }
  }

  async function writeOne(entry: Waiting): Promise<void> {
    for (let tries = 1; !stopping.signal.aborted; tries++) {
      try {
        return await write(entry);
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        await pause(clock, backOffMs(tries, BACK_OFF, random), stopping.signal);
      }
    }
  }

  function entryOf(dataText: string, isLive: boolean, done: () => void): Waiting {
    return { dataText, heardAtMs: clock.now(), isLive, done };
  }

  function clear(): void {
    const dropped = [...waiting.slice(1), ...heldBack];
    waiting = waiting.slice(0, 1);
    heldBack = [];
    for (const { done } of dropped) done();
  }

  return {
    hear(dataText) {
      if (isDeaf || stopping.signal.aborted) return;
      if (waiting.length + heldBack.length >= capacity) {
        clear();
        // If a later one were written before those that are lost, a resync would ask only for what comes after it.
        isDeaf = true;
        return onOverflow();
      }
      const entry = entryOf(dataText, true, () => {});
      if (isHeld) heldBack.push(entry);
      else {
        waiting.push(entry);
        work();
      }
    },
    insert(dataText) {
      if (isDeaf || stopping.signal.aborted) return Promise.resolve();
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push(entryOf(dataText, false, resolve));
      work();
      return promise;
    },
    hold() {
      isHeld = true;
      isDeaf = false;
    },
    release() {
      isHeld = false;
      waiting.push(...heldBack);
      heldBack = [];
      if (waiting.length > 0) work();
    },
    held: () => heldBack.map(({ dataText }) => dataText),
    clear,
    async idle() {
      while (working !== null) await working;
    },
    async stop() {
      stopping.abort();
      clear();
      while (working !== null) await working;
      waiting = [];
    },
  };
}
