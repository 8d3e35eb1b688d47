import type { Network } from "../services/http/network.ts";
import type { Clock } from "../services/support/clock.ts";
import type { Logger } from "../services/support/log.ts";

/** What the program is built from besides its configuration; tests hand in their own. */
export interface Environment {
  readonly log: Logger;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly fetch: typeof fetch;
  /** The way to webhooks. */
  readonly network: Network;
}
