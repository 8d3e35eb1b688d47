/** Room for so much of something at a time: requests, bytes. Nobody waits for it: who finds none goes without. */
export interface Room {
  /** Takes `amount` of it, all or nothing. False: there is not so much left. */
  take(amount: number): boolean;
  /** Gives back what was taken. */
  give(amount: number): void;
  readonly taken: number;
  readonly capacity: number;
}

/** A room that is empty. */
export function createRoom(capacity: number): Room {
  let taken = 0;
  return {
    capacity,
    take(amount) {
      if (taken + amount > capacity) return false;
      taken += amount;
      return true;
    },
    give(amount) {
      taken -= amount;
    },
    get taken() {
      return taken;
    },
  };
}
