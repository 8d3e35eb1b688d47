/** How long a wait lasts at most when the caller does not say. */
const DEFAULT_TIMEOUT_MS = 30_000;

/** A bound on waiting, in real time: also under a test's own clock nothing waits for ever. */
export interface WaitOptions {
  readonly timeoutMs?: number;
}

/** What has arrived so far, and promises of what has yet to arrive. */
export interface Inbox<T> {
  /** In the order of arrival. */
  readonly items: readonly T[];
  /** The nth item, counted from 1. Rejects when it has not come in time or cannot come any more. */
  received(n: number, options?: WaitOptions): Promise<T>;
  /** The first item, arrived or still to come, that `predicate` accepts. Rejects like `received`. */
  waitFor(predicate: (item: T) => boolean, options?: WaitOptions): Promise<T>;
  /**
   * What `look` finds among the items, as soon as it finds something. Rejects like `received`, with `what` in the
   * message.
   */
  until<R>(
    what: string,
    look: (items: readonly T[]) => R | undefined,
    options?: WaitOptions,
  ): Promise<R>;
}

/** The side of an inbox that the simulator itself holds. */
export interface InboxOwner<T> extends Inbox<T> {
  add(item: T): void;
  /** Nothing comes any more: rejects every open wait, and later ones that find nothing. */
  close(reason?: string): void;
}

export interface InboxOptions<T> {
  /** Sees each item as it arrives. */
  readonly onAdd?: ((item: T) => void) | undefined;
  /** Shows an item in the message of a wait that failed; without it the message only counts them. */
  readonly describe?: (item: T) => string;
}

interface Wait {
  look(): void;
  fail(reason: string): void;
}

/** An empty inbox; `itemName` is what messages call an item. */
export function createInbox<T>(itemName: string, options: InboxOptions<T> = {}): InboxOwner<T> {
  const { onAdd = () => {}, describe } = options;
  const items: T[] = [];
  const waits = new Set<Wait>();
  let closedBecause: string | null = null;

  function arrived(): string {
    const list = describe === undefined ? [] : items.map((item) => `\n  ${describe(item)}`);
    return `${items.length} arrived${list.join("")}`;
  }

  function until<R>(
    what: string,
    look: (items: readonly T[]) => R | undefined,
    { timeoutMs = DEFAULT_TIMEOUT_MS }: WaitOptions = {},
  ): Promise<R> {
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    const end = () => {
      clearTimeout(timer);
      waits.delete(wait);
    };
    const wait: Wait = {
      look() {
        try {
          const found = look(items);
          if (found === undefined) return;
          resolve(found);
        } catch (error) {
          reject(error);
        }
        end();
      },
      fail(reason) {
        end();
        reject(new Error(`Cannot wait for ${what}: ${reason}, ${arrived()}`));
      },
    };
    const timer = setTimeout(() => wait.fail(`not within ${timeoutMs} ms`), timeoutMs);
    waits.add(wait);
    // A wait that the test gave up on must not fail it as an unhandled rejection when the simulator closes.
    promise.catch(() => {});
    wait.look();
    if (closedBecause !== null && waits.has(wait)) wait.fail(closedBecause);
    return promise;
  }

  return {
    items,
    until,
    received: (n, waitOptions) => until(`${itemName} ${n}`, () => items[n - 1], waitOptions),
    waitFor: (predicate, waitOptions) =>
      until(`the wanted ${itemName}`, () => items.find(predicate), waitOptions),
    add(item) {
      items.push(item);
      onAdd(item);
      for (const wait of [...waits]) wait.look();
    },
    close(reason = "the simulator was closed") {
      closedBecause = reason;
      for (const wait of [...waits]) wait.fail(reason);
    },
  };
}
