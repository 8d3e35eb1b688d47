/** What other programs send us, and bounded waits for what has yet to come: nothing here sleeps. */

/** How long a wait lasts at most unless the caller says otherwise. */
export const PATIENCE_MS = 20_000;

/** Things in the order in which they came. */
export interface Arrivals<T> {
  readonly items: readonly T[];
  /**
   * What `look` finds among the arrived, as soon as it finds something.
   *
   * @throws Error that names `what` when it is not found within `withinMs`, or cannot come any more
   */
  until<R>(
    what: string,
    look: (items: readonly T[]) => R | undefined,
    withinMs?: number,
  ): Promise<R>;
}

/** The side that fills it. */
export interface ArrivalsOwner<T> extends Arrivals<T> {
  add(item: T): void;
  /** Nothing comes any more: open waits, and later ones that find nothing, are rejected with `reason`. */
  end(reason: string): void;
}

/** An empty one; `describe` puts an item into the message of a wait that failed. */
export function createArrivals<T>(describe: (item: T) => string): ArrivalsOwner<T> {
  const items: T[] = [];
  const waits = new Set<() => void>();
  let ended: string | null = null;

  function lookAgain(): void {
    for (const look of [...waits]) look();
  }

  function until<R>(
    what: string,
    look: (items: readonly T[]) => R | undefined,
    withinMs: number = PATIENCE_MS,
  ): Promise<R> {
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    const settle = () => {
      clearTimeout(tooLate);
      waits.delete(attempt);
    };
    const fail = (reason: string) => {
      settle();
      const came = items.map((item) => `\n  ${describe(item)}`).join("");
      reject(new Error(`Cannot wait for ${what}: ${reason}; what came: ${came || "nothing"}`));
    };
    const attempt = () => {
      const found = look(items);
      if (found !== undefined) {
        settle();
        resolve(found);
      } else if (ended !== null) fail(ended);
    };
    const tooLate = setTimeout(() => fail(`not within ${withinMs} ms`), withinMs);
    waits.add(attempt);
    attempt();
    return promise;
  }

  return {
    items,
    until,
    add(item) {
      items.push(item);
      lookAgain();
    },
    end(reason) {
      ended = reason;
      lookAgain();
    },
  };
}

/**
 * `promise`, unless it takes longer than `withinMs`.
 *
 * @throws Error that names `what` when it takes longer
 */
export async function within<T>(what: string, withinMs: number, promise: Promise<T>): Promise<T> {
  const { promise: tooLate, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`Cannot wait longer for ${what}: not within ${withinMs} ms`)),
    withinMs,
  );
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
