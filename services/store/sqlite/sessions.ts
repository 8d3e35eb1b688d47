import type { EventDraft } from "../port/events.ts";
import { page } from "../port/paging.ts";
import type {
  ClaimOutcome,
  ClaimRequest,
  ConfirmOutcome,
  ConfirmRequest,
  EffectOutcome,
  EffectRequest,
  SessionStore,
} from "../port/sessions.ts";
import type { Database } from "./database.ts";
import type { PublishingSteps } from "./publishing.ts";
import * as claimRules from "../session_rules/claims.ts";
import { applyEffect } from "../session_rules/effects.ts";
import { liveSession, sessionRecord, type SessionWithMemoryRow } from "./session_rows.ts";
import { HAS_TOKEN, type SessionSteps } from "./session_steps.ts";

const WITH_MEMORY = `
  SELECT s.*, m.sequence, m.phone, m.sender
  FROM sessions s LEFT JOIN session_memory m ON m.id = s.id`;

/** Sessions in SQLite; every method is one transaction. */
export function createSqliteSessions(
  db: Database,
  sessions: SessionSteps,
  publishing: PublishingSteps,
): Omit<SessionStore, "findCustomerSession"> {
  function claim(request: ClaimRequest): ClaimOutcome {
    const { outcome, claims } = claimRules.claim(sessions.kept(request), request);
    if (claims !== undefined) sessions.changeClaims(request, claims);
    return outcome;
  }

  function confirm(request: ConfirmRequest, draft: EventDraft): ConfirmOutcome {
    const { outcome, mapping, claims } = claimRules.confirm(sessions.kept(request), request);
    if (mapping?.to === "begin") sessions.begin(request, mapping);
    if (mapping?.to === "change") sessions.change(request, mapping);
    if (claims !== undefined) sessions.changeClaims(request, claims);
    if (outcome !== "confirmed") return { outcome };
    return { outcome, published: publishing.publish(draft, request.nowMs) };
  }

  function apply(request: EffectRequest, draft: EventDraft | null): EffectOutcome {
    const decision = applyEffect(sessions.kept(request), request);
    const { outcome, mapping, claims, tells } = decision;
    if (outcome === "nothing") return { outcome };
    if (claims !== undefined) sessions.changeClaims(request, claims);
    if (mapping?.to === "change") sessions.change(request, mapping);
    const published = draft === null || !tells ? null : publishing.publish(draft, request.nowMs);
    if (mapping?.to === "end") {
      sessions.release(request, { isOwed: request.effect.kind !== "release" });
    }
    return { outcome, published };
  }

  function read(sessionId: string, nowMs: number) {
    const row = db.one<SessionWithMemoryRow>(
      `${WITH_MEMORY} WHERE s.id = ? AND s.expires_at > ?`,
      sessionId,
      nowMs,
    );
    return row === undefined ? null : sessionRecord(row);
  }

  function firstUnseen(sessionId: string): number {
    if (!hasSeen(sessionId, 1)) return 1;
    // The last of the unbroken row that begins with 1.
    const last = db.one<{ message_index: number }>(
      `SELECT message_index FROM seen_messages AS this
       WHERE session_id = ? AND message_index >= 1 AND NOT EXISTS (
         SELECT 1 FROM seen_messages AS next
         WHERE next.session_id = this.session_id AND next.message_index = this.message_index + 1)
       ORDER BY message_index LIMIT 1`,
      sessionId,
    );
    return (last?.message_index ?? 0) + 1;
  }

  function hasSeen(sessionId: string, index: number): boolean {
    return db.one(
      "SELECT 1 FROM seen_messages WHERE session_id = ? AND message_index = ?",
      sessionId,
      index,
    ) !== undefined;
  }

  return {
    claimSession: (request) => db.write("claim the session", () => claim(request)),
    confirmSession: (request, draft, version) =>
      db.write(
        "confirm the session",
        () => publishing.isCurrent(version) ? confirm(request, draft) : STALE,
      ),
    releaseClaim: (sessionId, token, { forAll = false } = {}) =>
      db.write("release the claim", () => sessions.releaseClaim({ sessionId, token, forAll })),
    doubtClaim: ({ sessionId, token, nowMs }) =>
      db.write("doubt the claim", () => {
        db.run(
          `UPDATE claims SET doubt_from = MIN(COALESCE(doubt_from, until), ?)
           WHERE session_id = ? AND ${HAS_TOKEN}`,
          nowMs,
          sessionId,
          token,
        );
      }),
    applyEffect: (request, draft, version) =>
      db.write(
        "update the session",
        () => draft === null || publishing.isCurrent(version) ? apply(request, draft) : STALE,
      ),
    readSession: (sessionId, { nowMs, slide }) => {
      if (slide === false) return db.read("read the session", () => read(sessionId, nowMs));
      return db.write("read the session", () => {
        const session = read(sessionId, nowMs);
        const agents = session === null ? [] : [session, ...session.participants];
        if (agents.some(({ agentId }) => agentId === slide)) sessions.slide(sessionId, nowMs);
        return session;
      });
    },
    claimantOf: (sessionId, nowMs) =>
      db.read(
        "read the claims",
        () => claimRules.claimant(sessions.kept({ sessionId, nowMs }), nowMs),
      ),
    sessionsOf: ({ agentId, sessionIds, nowMs }) =>
      db.read(
        "find an agent's sessions",
        () =>
          [...new Set(sessionIds)].filter((sessionId) =>
            sessions.kept({ sessionId, nowMs }).mapping?.agents
              .some((agent) => agent.agentId === agentId)
          ),
      ),
    listSessions: ({ agentId, nowMs, limit, cursor = "" }) =>
      db.read("list the sessions", () => {
        const rows = agentId === undefined
          ? db.all<SessionWithMemoryRow>(
            `${WITH_MEMORY} WHERE s.id > ? AND s.expires_at > ? ORDER BY s.id LIMIT ?`,
            cursor,
            nowMs,
            limit + 1,
          )
          : db.all<SessionWithMemoryRow>(
            `${WITH_MEMORY} WHERE s.agent_id = ? AND s.id > ? AND s.expires_at > ?
             ORDER BY s.id LIMIT ?`,
            agentId,
            cursor,
            nowMs,
            limit + 1,
          );
        return page(rows.map(sessionRecord), limit);
      }),
    setCustomer: ({ sessionId, customer, nowMs }) =>
      db.write("set the customer", () => {
        if (liveSession(db, sessionId, nowMs) === undefined) return null;
        sessions.setCustomer(sessionId, customer, nowMs);
        return read(sessionId, nowMs);
      }),
    firstUnseenMessage: (sessionIds) =>
      db.read("find the first unseen messages", () => sessionIds.map(firstUnseen)),
  };
}

const STALE = { outcome: "stale-webhooks" } as const;
