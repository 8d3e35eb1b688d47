import type { SessionStore } from "../port/sessions.ts";
import { list, text } from "./replies.ts";
import { SCRIPTS } from "./scripts.ts";
import type { Shards } from "./shards.ts";

/** Finds a customer's session in Redis. It asks every shard, because a phone number does not tell which one has it. */
export function createRedisCustomers(shards: Shards): Pick<SessionStore, "findCustomerSession"> {
  return {
    async findCustomerSession(request) {
      if (request.customerDigits.length === 0) return null;
      const replies = await shards.runOnAll(
        "find the customer's session",
        SCRIPTS.findCustomerSession,
        request,
      );
      const found = replies.map(list)
        .filter(([exact]) => exact !== undefined)
        .map(([exact, acceptedAt, id]) => ({
          exact: Number(exact),
          acceptedAtMs: Number(acceptedAt),
          id: text(id),
        }))
        .sort((a, b) =>
          b.exact - a.exact || b.acceptedAtMs - a.acceptedAtMs || (a.id < b.id ? 1 : -1)
        );
      return found[0]?.id ?? null;
    },
  };
}
