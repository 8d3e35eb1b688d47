import type { RevocationStore } from "../port/revocations.ts";
import { list, text } from "./replies.ts";
import { SCRIPTS } from "./scripts.ts";
import type { Shards } from "./shards.ts";

/** Revoked tokens in Redis. They are read as one list, so they are together, on the first shard. */
export function createRedisRevocations(shards: Shards): RevocationStore {
  return {
    async revokeToken(request) {
      await shards.run("revoke the token", SCRIPTS.revokeToken, 0, request);
    },
    async listRevocations(request) {
      const { after, limit, nowMs } = request;
      const rows = list(
        await shards.run("list the revoked tokens", SCRIPTS.listRevocations, 0, request),
      ).map((row) => {
        const [token, place, until] = list(row);
        return { tokenId: text(token), place: Number(place), untilMs: Number(until) };
      });
      return {
        revocations: rows.filter(({ untilMs }) => untilMs > nowMs)
          .map(({ tokenId, untilMs }) => ({ tokenId, untilMs })),
        position: rows.at(-1)?.place ?? after,
        isEnd: rows.length < limit,
      };
    },
  };
}
