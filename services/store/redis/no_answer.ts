/**
 * Redis was not reached, or it did not answer in time, or the answer was none of Redis. What was asked may have been done.
 * The message is safe to log: it holds nothing of a command and nothing of an address.
 */
export class NoAnswer extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = new.target.name;
  }
}
