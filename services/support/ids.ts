import { monotonicFactory } from "ulid";

/** Makes ids and secrets; tests hand in a random source of their own. */
export interface Ids {
  /** `evt_` and a ULID: ids made by one process sort in the order in which they were made. */
  event(nowMs: number): string;
  /** `wh_` and a ULID. */
  webhook(nowMs: number): string;
  /** An unguessable token for claims and leases. */
  token(): string;
}

/** Ids from a source of random numbers in [0, 1); the default is the platform's cryptographic one. */
export function createIds(random?: () => number): Ids {
  const ulid = random === undefined ? monotonicFactory() : monotonicFactory(random);
  return {
    event: (nowMs) => `evt_${ulid(nowMs)}`,
    webhook: (nowMs) => `wh_${ulid(nowMs)}`,
    token: () => crypto.randomUUID(),
  };
}
