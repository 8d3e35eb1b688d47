/** How long a wait lasts at most when the caller does not say. */
const DEFAULT_TIMEOUT_MS = 5_000;

/** A bound on waiting, in real time: also under a test's own clock nothing waits for ever. */
export interface WaitOptions {
  readonly timeoutMs?: number;
}

/** What has arrived so far, and promises of what has yet to arrive. */
export interface Inbox<T> {
  /** In the order of arrival. */
  readonly items: readonly T[];
  /** The nth item, counted from 1. Rejects when it has not come in time or the simulator closes. */
  received(n: number, options?: WaitOptions): Promise<T>;
  /** The first item, arrived or still to come, that `predicate` accepts. Rejects like `received`. */
  waitFor(predicate: (item: T) => boolean, options?: WaitOptions): Promise<T>;
}

/** The side of an inbox that the simulator itself holds. */
export interface InboxOwner<T> extends Inbox<T> {
  add(item: T): void;
  /** Rejects every open wait. */
  close(): void;
}

interface Waiter<T> {
  /** The awaited item, if it is there by now. */
  find(): T | undefined;
  settle(item: T): void;
  fail(reason: string): void;
}

/** An empty inbox; `what` names its items in messages, `onAdd` sees each one as it arrives. */
export function createInbox<T extends object>(
  what: string,
  onAdd: (item: T) => void = () => {},
): InboxOwner<T> {
  const items: T[] = [];
  const waiters = new Set<Waiter<T>>();

  function wait(
    find: () => T | undefined,
    description: string,
    { timeoutMs = DEFAULT_TIMEOUT_MS }: WaitOptions,
  ): Promise<T> {
    const present = find();
    if (present !== undefined) return Promise.resolve(present);
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const end = () => {
      clearTimeout(timer);
      waiters.delete(waiter);
    };
    const waiter: Waiter<T> = {
      find,
      settle: (item) => (end(), resolve(item)),
      fail: (reason) => (end(), reject(new Error(`Cannot wait for ${description}: ${reason}`))),
    };
    const timer = setTimeout(
      () => waiter.fail(`not within ${timeoutMs} ms, ${items.length} arrived`),
      timeoutMs,
    );
    waiters.add(waiter);
    // A wait that the test gave up on must not fail it as an unhandled rejection when the simulator closes.
    promise.catch(() => {});
    return promise;
  }

  return {
    items,
    received: (n, options = {}) => wait(() => items[n - 1], `${what} ${n}`, options),
    waitFor: (predicate, options = {}) =>
      wait(() => items.find(predicate), `the wanted ${what}`, options),
    add(item) {
      items.push(item);
      onAdd(item);
      for (const waiter of [...waiters]) {
        const found = waiter.find();
        if (found !== undefined) waiter.settle(found);
      }
    },
    close() {
      for (const waiter of [...waiters]) waiter.fail("the simulator was closed");
    },
  };
}
