/** Lets so many in at a time; the others wait in the order of their coming. */
export interface Gate {
  /** Resolves with the way out, which is to be taken once; null: `signal` was aborted before there was room. */
  enter(signal: AbortSignal): Promise<(() => void) | null>;
}

/** A gate with nobody inside. */
export function createGate(room: number): Gate {
  let inside = 0;
  const waiting = new Set<() => void>();

  function leave(): void {
    inside--;
    for (const admit of waiting) {
      waiting.delete(admit);
      return admit();
    }
  }

  function admission(): () => void {
    inside++;
    let isOut = false;
    return () => {
      if (isOut) return;
      isOut = true;
      leave();
    };
  }

  return {
    enter(signal) {
      if (signal.aborted) return Promise.resolve(null);
      if (inside < room) return Promise.resolve(admission());
      return new Promise((resolve) => {
        const admit = () => {
          signal.removeEventListener("abort", giveUp);
          resolve(admission());
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
