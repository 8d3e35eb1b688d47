import type { DeliveryStatus } from "../port/deliveries.ts";
import { FINISHED_STATUSES, OPEN_STATUSES, WAITING_STATUSES } from "../rules.ts";

/**
 * Conditions on the column `status`, from the lists that both engines go by. SQLite uses the partial index
 * `deliveries_open` only where a query has its condition, which is this one with the statuses in the same order:
 * whoever adds an open status has to migrate that index.
 */
export const IS_OPEN = isOneOf(OPEN_STATUSES);
export const IS_WAITING = isOneOf(WAITING_STATUSES);
export const IS_FINISHED = isOneOf(FINISHED_STATUSES);

function isOneOf(statuses: readonly DeliveryStatus[]): string {
  return `status IN (${statuses.map((status) => `'${status}'`).join(", ")})`;
}
