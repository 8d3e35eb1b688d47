import { type Clock, pause } from "../../support/clock.ts";
import { StoreUnavailable } from "../../errors.ts";

/** The notifications of one connection on their way to the store: one at a time, in order, nothing skipped. */
export interface Intake {
  /** Something was heard. While the intake is held it waits for {@link Intake.release}. */
  hear(dataText: string): void;
  /** Something was found out by asking; goes in before whatever is held. Resolves once it is in the store. */
  insert(dataText: string): Promise<void>;
  hold(): void;
  release(): void;
  /** What is held now. */
  held(): readonly string[];
  /** Forgets what was heard and is not in the store yet, less the one that is just being written. */
  clear(): void;
  /** Resolves once nothing is waiting to be written. */
  idle(): Promise<void>;
  /** Gives up what is left; resolves once nothing is under way. */
  stop(): Promise<void>;
}

export interface IntakeOptions {
  /** Writes one notification. A `StoreUnavailable` is tried again for as long as it takes; nothing else is thrown. */
  readonly write: (entry: IntakeEntry) => Promise<void>;
  /** More than so many are not kept, as memory has an end. */
  readonly capacity?: number;
  /** There was no room. All is cleared, and nothing is taken before the next {@link Intake.hold}: it has to be asked for. */
  readonly onOverflow: () => void;
  readonly clock: Clock;
  readonly random: () => number;
}

/** A notification and what has been done about it. */
export interface IntakeEntry {
  readonly dataText: string;
  readonly heardAtMs: number;
  /** It was heard and not asked for. */
  readonly isLive: boolean;
  /** Steps that are in the store already, for a try that comes after a failed one. */
  isPublished: boolean;
}

interface Waiting extends IntakeEntry {
  readonly done: () => void;
}

/** Notifications kept while the store is away. */
export const INTAKE_CAPACITY = 1_000;

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 4_000;

/** An empty intake, not held. */
export function createIntake(options: IntakeOptions): Intake {
  const { write, onOverflow, clock, random, capacity = INTAKE_CAPACITY } = options;
  const stopping = new AbortController();
  let queue: Waiting[] = [];
  let heldBack: Waiting[] = [];
  let isHeld = false;
  let isDeaf = false;
  let working: Promise<void> | null = null;

  function work(): void {
    working ??= writeAll().finally(() => {
      working = null;
      if (queue.length > 0 && !stopping.signal.aborted) work();
    });
  }

  async function writeAll(): Promise<void> {
    for (let next = queue[0]; next !== undefined; next = queue[0]) {
      await writeOne(next);
      // It may have been cleared away in the meantime.
      if (queue[0] === next) queue.shift();
      next.done();
      if (stopping.signal.aborted) return;
    }
  }

  async function writeOne(entry: Waiting): Promise<void> {
    for (let failures = 0; !stopping.signal.aborted; failures++) {
      try {
        return await write(entry);
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        const waitMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures);
        await pause(clock, waitMs * (0.5 + random() / 2), stopping.signal);
      }
    }
  }

  function entryOf(dataText: string, isLive: boolean, done: () => void): Waiting {
    return { dataText, heardAtMs: clock.now(), isLive, isPublished: false, done };
  }

  function clear(): void {
    const dropped = [...queue.slice(1), ...heldBack];
    queue = queue.slice(0, 1);
    heldBack = [];
    for (const { done } of dropped) done();
  }

  return {
    hear(dataText) {
      if (isDeaf || stopping.signal.aborted) return;
      if (queue.length + heldBack.length >= capacity) {
        clear();
        // One that came later would be written before those that were cleared, and seem to be all there is.
        isDeaf = true;
        return onOverflow();
      }
      const entry = entryOf(dataText, true, () => {});
      if (isHeld) heldBack.push(entry);
      else {
        queue.push(entry);
        work();
      }
    },
    insert(dataText) {
      if (isDeaf || stopping.signal.aborted) return Promise.resolve();
      const { promise, resolve } = Promise.withResolvers<void>();
      queue.push(entryOf(dataText, false, resolve));
      work();
      return promise;
    },
    hold() {
      isHeld = true;
      isDeaf = false;
    },
    release() {
      isHeld = false;
      queue.push(...heldBack);
      heldBack = [];
      if (queue.length > 0) work();
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
      queue = [];
    },
  };
}
