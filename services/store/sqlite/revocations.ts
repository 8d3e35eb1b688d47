import type { RevocationStore } from "../port/revocations.ts";
import type { Database } from "./database.ts";

/** Revoked tokens in SQLite; every method is one transaction. */
export function createSqliteRevocations(db: Database): RevocationStore {
  return {
    revokeToken: ({ tokenId, untilMs, nowMs }) =>
      db.write("revoke the token", () => {
        const known = db.one<{ until: number }>(
          "SELECT until FROM revoked_tokens WHERE token = ?",
          tokenId,
        );
        const until = Math.max(untilMs, known?.until ?? untilMs);
        db.run("DELETE FROM revoked_tokens WHERE token = ?", tokenId);
        if (until <= nowMs) return;
        db.run("INSERT INTO revoked_tokens (token, until) VALUES (?, ?)", tokenId, until);
      }),
    listRevocations: ({ after, limit, nowMs }) =>
      db.read("list the revoked tokens", () => {
        const rows = db.all<{ position: number; token: string; until: number }>(
          "SELECT position, token, until FROM revoked_tokens WHERE position > ? ORDER BY position LIMIT ?",
          after,
          limit,
        );
        return {
          revocations: rows.filter(({ until }) => until > nowMs)
            .map(({ token, until }) => ({ tokenId: token, untilMs: until })),
          position: rows.at(-1)?.position ?? after,
          isEnd: rows.length < limit,
        };
      }),
  };
}
