/**
 * Redis was not reached, or did not answer in time, or not in its own words; what was asked of it may have been done.
 * The message is safe to log: it holds nothing of a command and nothing of an address.
 */
export class NoAnswer extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = new.target.name;
  }
}
