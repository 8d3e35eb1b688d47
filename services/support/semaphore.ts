/** Lets a fixed number of holders in at a time; the others wait in the order in which they came. */
export interface Semaphore {
  /**
   * Resolves with the function that gives the permit back (further calls of it do nothing), or with null if `signal` was
   * aborted before a permit was free.
   */
  acquire(signal: AbortSignal): Promise<(() => void) | null>;
}

/** A semaphore with all its permits free. */
export function createSemaphore(permits: number): Semaphore {
  let held = 0;
  const waiting = new Set<() => void>();

  function grant(): () => void {
    held++;
    let isReleased = false;
    return () => {
      if (isReleased) return;
      isReleased = true;
      held--;
      admitNext();
    };
  }

  function admitNext(): void {
    for (const admit of waiting) {
      waiting.delete(admit);
      return admit();
    }
  }

  return {
    acquire(signal) {
      if (signal.aborted) return Promise.resolve(null);
      if (held < permits) return Promise.resolve(grant());
      return new Promise((resolve) => {
        const admit = () => {
          signal.removeEventListener("abort", giveUp);
          resolve(grant());
        };
        const giveUp = () => {
          waiting.delete(admit);
          resolve(null);
        };
        waiting.add(admit);
        signal.addEventListener("abort", giveUp, { once: true });
      });
    },
  };
}
