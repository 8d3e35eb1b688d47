import type { Clock, Timer } from "./clock.ts";

/** One who waits, in a ring with the others of the same delay; the ring's own link is nobody. */
interface Link {
  before: Link;
  after: Link;
  readonly startedAtMs: number;
  readonly run: () => void;
}

/** The waits of each length, by the clock that they go by. */
const ringsOf = new WeakMap<Clock, Map<number, Ring>>();

/**
 * As `clock.after`, for waits that are mostly called off: all of the same length share one timer of the clock, so that one
 * more costs nearly nothing. A wall clock that is set back meanwhile can make one as much as twice as long.
 */
export function afterTogether(clock: Clock, delayMs: number, run: () => void): Timer {
  const rings = ringsOf.get(clock) ?? new Map<number, Ring>();
  ringsOf.set(clock, rings);
  const ring = rings.get(delayMs) ?? createRing(clock, delayMs, () => rings.delete(delayMs));
  rings.set(delayMs, ring);
  return ring.add(run);
}

type Ring = ReturnType<typeof createRing>;

function createRing(clock: Clock, delayMs: number, onEmpty: () => void) {
  const nobody = { startedAtMs: 0, run: () => {} } as Link;
  nobody.before = nobody.after = nobody;
  /** Whose end the clock's timer stands for, though they may have left since. */
  let awaitedAtMs = 0;
  let timer: Timer | null = null;

  function arm(startedAtMs: number, ms: number): void {
    awaitedAtMs = startedAtMs;
    timer = clock.after(ms, fire);
  }

  /** Ends those whose time is over: as the timer of the one awaited has run in full, the others' follow from when they came. */
  function fire(): void {
    for (let first = nobody.after; first !== nobody; first = nobody.after) {
      const leftMs = first.startedAtMs - awaitedAtMs;
      if (leftMs !== 0) {
        return arm(first.startedAtMs, leftMs > 0 ? Math.min(leftMs, delayMs) : delayMs);
      }
      remove(first);
      first.run();
    }
  }

  function remove(link: Link): void {
    link.before.after = link.after;
    link.after.before = link.before;
    link.before = link.after = link;
    if (nobody.after !== nobody) return;
    timer?.cancel();
    onEmpty();
  }

  return {
    add(run: () => void): Timer {
      const link: Link = { before: nobody.before, after: nobody, startedAtMs: clock.now(), run };
      nobody.before.after = link;
      nobody.before = link;
      if (nobody.after === link) arm(link.startedAtMs, delayMs);
      return { cancel: () => link.after === link || remove(link) };
    },
  };
}
