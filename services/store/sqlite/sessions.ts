import type { EventDraft, PublishedEvent } from "../port/events.ts";
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
import type { StorePolicy } from "../port/store.ts";
import type { Database } from "./database.ts";
import type { PublishingSteps } from "./publishing.ts";
import {
  hasStandIn,
  isMember,
  liveSession,
  sessionRecord,
  type SessionWithMemoryRow,
  withoutAgent,
} from "./session_rows.ts";
import { createSessionSteps } from "./session_steps.ts";

const WITH_MEMORY = `
  SELECT s.*, m.sequence, m.phone, m.sender
  FROM sessions s LEFT JOIN session_memory m ON m.id = s.id`;

/** Sessions in SQLite; every method is one transaction. */
export function createSqliteSessions(
  db: Database,
  policy: StorePolicy,
  publishing: PublishingSteps,
): Omit<SessionStore, "findCustomerSession"> {
  const sessions = createSessionSteps(db, policy);

  function claim(request: ClaimRequest): ClaimOutcome {
    const { sessionId, agentId, nowMs } = request;
    const session = liveSession(db, sessionId, nowMs);
    if (session !== undefined && isMember(session, agentId)) return { outcome: "own" };
    if (session !== undefined && session.seat_until <= nowMs) return { outcome: "held" };
    if (sessions.claimedByAnother(sessionId, agentId, nowMs)) return { outcome: "held" };
    db.run(
      "INSERT OR REPLACE INTO claims (session_id, agent_id, token, until) VALUES (?, ?, ?, ?)",
      sessionId,
      agentId,
      request.token,
      request.untilMs,
    );
    const isHolder = session === undefined || hasStandIn(session);
    return { outcome: "claimed", as: isHolder ? "holder" : "participant" };
  }

  function confirm(request: ConfirmRequest, draft: EventDraft): ConfirmOutcome {
    const { sessionId, agentId, nowMs } = request;
    const session = liveSession(db, sessionId, nowMs);
    if (session !== undefined && isMember(session, agentId)) {
      sessions.dropClaim(sessionId, agentId);
      return { outcome: "already" };
    }
    if (sessions.claimedByAnother(sessionId, agentId, nowMs)) return { outcome: "lost" };
    if (session === undefined) {
      // The session whose seat was claimed is over; `draft` tells of a participant.
      if (request.as === "participant") return { outcome: "lost" };
      const heard = sessions.heardDuringClaim(sessionId, agentId, nowMs);
      sessions.map(request, heard ?? "accepted");
    } else if (request.as === "participant") sessions.takeSeat(session, request);
    else if (hasStandIn(session)) sessions.takeOver(session, request);
    else return { outcome: "lost" };
    sessions.dropClaim(sessionId, agentId);
    return { outcome: "confirmed", published: publishing.publish(draft, nowMs) };
  }

  function apply(request: EffectRequest, draft: EventDraft | null): EffectOutcome {
    const { sessionId, agentId, nowMs, effect } = request;
    const session = liveSession(db, sessionId, nowMs);
    if (session === undefined) return { outcome: "nothing" };
    const forOutsiders = effect.kind === "join" || effect.kind === "decline";
    if (isMember(session, agentId) === forOutsiders) return { outcome: "nothing" };
    // The event of an ending is published while the mapping still stands: it names the holder.
    const publish = (): PublishedEvent | null =>
      draft === null ? null : publishing.publish(draft, nowMs);
    let published: PublishedEvent | null = null;
    switch (effect.kind) {
      case "open-seat":
        sessions.setSeat(sessionId, effect.untilMs, nowMs);
        break;
      case "decline":
        if (session.seat_until <= nowMs) return { outcome: "nothing" };
        sessions.setSeat(sessionId, 0, nowMs);
        break;
      case "join":
        sessions.admit(session, { agentId, nickname: effect.nickname, nowMs });
        published = publish();
        break;
      case "end":
        published = publish();
        sessions.release(session, nowMs);
        break;
      case "leave":
      case "hand-over": {
        const left = withoutAgent(session, agentId);
        if (left === null) {
          published = publish();
          sessions.release(session, nowMs);
        } else if (effect.kind === "leave") sessions.rewriteAgents(sessionId, left, nowMs);
        else sessions.handOver(session, { agentId, left, untilMs: effect.untilMs, nowMs });
      }
    }
    return { outcome: "applied", published };
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
    releaseClaim: (sessionId, token) =>
      db.write("release the claim", () => {
        db.run("DELETE FROM claims WHERE session_id = ? AND token = ?", sessionId, token);
      }),
    applyEffect: (request, draft, version) =>
      db.write(
        "update the session",
        () => draft === null || publishing.isCurrent(version) ? apply(request, draft) : STALE,
      ),
    readSession: (sessionId, { nowMs, slide }) => {
      if (!slide) return db.read("read the session", () => read(sessionId, nowMs));
      return db.write("read the session", () => {
        sessions.slide(sessionId, nowMs);
        return read(sessionId, nowMs);
      });
    },
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
