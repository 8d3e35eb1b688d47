import type {
  ClaimOutcome,
  ClaimRequest,
  ConfirmOutcome,
  ConfirmRequest,
  EffectOutcome,
  EffectRequest,
  EventDraft,
  Participant,
  PublishedEvent,
  SessionStore,
  StorePolicy,
} from "../port.ts";
import { page } from "../paging.ts";
import { memoryTtlMs } from "../rules.ts";
import type { Database } from "./database.ts";
import type { PublishingSteps } from "./publishing.ts";
import {
  type Agents,
  agentsOf,
  liveSession,
  sessionRecord,
  type SessionRow,
  type SessionWithMemoryRow,
} from "./session_rows.ts";

const WITH_MEMORY = `
  SELECT s.*, m.sequence, m.phone, m.sender
  FROM sessions s LEFT JOIN session_memory m ON m.id = s.id`;

/** Sessions in SQLite; every method is one transaction. */
export function createSqliteSessions(
  db: Database,
  policy: StorePolicy,
  publishing: PublishingSteps,
): SessionStore {
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
    return { outcome: "claimed", as: session === undefined ? "holder" : "participant" };
  }

  function confirm(request: ConfirmRequest, draft: EventDraft): ConfirmOutcome {
    const { sessionId, agentId, nowMs } = request;
    const session = liveSession(db, sessionId, nowMs);
    if (session !== undefined && isMember(session, agentId)) {
      sessions.dropClaim(sessionId, agentId);
      return { outcome: "already" };
    }
    if (sessions.claimedByAnother(sessionId, agentId, nowMs)) return { outcome: "lost" };
    if (session === undefined) sessions.map(request);
    else if (request.as === "participant") sessions.takeSeat(session, request);
    else return { outcome: "lost" };
    sessions.dropClaim(sessionId, agentId);
    return { outcome: "confirmed", published: publishing.publish(draft, nowMs) };
  }

  function apply(request: EffectRequest, draft: EventDraft | null): EffectOutcome {
    const { sessionId, agentId, nowMs, effect } = request;
    const session = liveSession(db, sessionId, nowMs);
    if (session === undefined) return { outcome: "nothing" };
    const member = isMember(session, agentId);
    if (member === (effect.kind === "join")) return { outcome: "nothing" };
    // The event of an ending is published while the mapping still stands: it names the holder.
    const publish = (): PublishedEvent | null =>
      draft === null ? null : publishing.publish(draft, nowMs);
    let published: PublishedEvent | null = null;
    switch (effect.kind) {
      case "open-seat":
        sessions.openSeat(sessionId, effect.untilMs, nowMs);
        break;
      case "join":
        sessions.admit(session, { agentId, nickname: effect.nickname, nowMs });
        published = publish();
        break;
      case "end":
        published = publish();
        sessions.unmap(sessionId);
        break;
      case "leave": {
        const left = withoutAgent(session, agentId);
        if (left === null) {
          published = publish();
          sessions.unmap(sessionId);
        } else sessions.rewriteAgents(sessionId, left, nowMs);
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
        db.run(
          `INSERT INTO session_memory (id, phone, sender, phone_given, expires_at)
           VALUES (?, ?, ?, 1, ?)
           ON CONFLICT (id) DO UPDATE SET
             phone = excluded.phone, sender = excluded.sender, phone_given = 1,
             expires_at = excluded.expires_at`,
          sessionId,
          customer.phone,
          customer.sender,
          nowMs + memoryTtlMs(policy),
        );
        return read(sessionId, nowMs);
      }),
  };
}

const STALE = { outcome: "stale-webhooks" } as const;

function isMember(session: SessionRow, agentId: string): boolean {
  return agentsOf(session).some((agent) => agent.agentId === agentId);
}

/** Holder and participants once the agent is gone; null when nobody is left. */
function withoutAgent(session: SessionRow, agentId: string): Agents | null {
  const [holder, ...participants] = agentsOf(session).filter((agent) => agent.agentId !== agentId);
  return holder === undefined ? null : [holder, ...participants];
}

type Newcomer = Participant & { readonly nowMs: number };

/** The single statements, in words. */
function createSessionSteps(db: Database, policy: StorePolicy) {
  const rewriteAgents = (sessionId: string, agents: Agents, nowMs: number) =>
    db.run(
      "UPDATE sessions SET agent_id = ?, agents_json = ?, updated_at = ? WHERE id = ?",
      agents[0].agentId,
      JSON.stringify(agents),
      nowMs,
      sessionId,
    );
  const admit = (session: SessionRow, { agentId, nickname, nowMs }: Newcomer) =>
    rewriteAgents(session.id, [...agentsOf(session), { agentId, nickname }], nowMs);
  return {
    rewriteAgents,
    claimedByAnother: (sessionId: string, agentId: string, nowMs: number) =>
      db.one(
        "SELECT 1 FROM claims WHERE session_id = ? AND agent_id <> ? AND until > ?",
        sessionId,
        agentId,
        nowMs,
      ) !== undefined,
    dropClaim: (sessionId: string, agentId: string) =>
      db.run("DELETE FROM claims WHERE session_id = ? AND agent_id = ?", sessionId, agentId),
    map: ({ sessionId, agentId, nickname, nowMs, acceptedUpstreamMs }: ConfirmRequest) =>
      db.run(
        `INSERT OR REPLACE INTO sessions (id, agent_id, agents_json, state, accepted_at,
           accepted_upstream, updated_at, expires_at)
         VALUES (?, ?, ?, 'accepted', ?, ?, ?, ?)`,
        sessionId,
        agentId,
        JSON.stringify([{ agentId, nickname }]),
        nowMs,
        acceptedUpstreamMs,
        nowMs,
        nowMs + policy.sessionTtlMs,
      ),
    admit,
    takeSeat: (session: SessionRow, newcomer: Newcomer) => {
      admit(session, newcomer);
      db.run("UPDATE sessions SET seat_until = 0 WHERE id = ?", session.id);
    },
    openSeat: (sessionId: string, untilMs: number, nowMs: number) =>
      db.run(
        "UPDATE sessions SET seat_until = ?, updated_at = ? WHERE id = ?",
        untilMs,
        nowMs,
        sessionId,
      ),
    unmap: (sessionId: string) => db.run("DELETE FROM sessions WHERE id = ?", sessionId),
    slide: (sessionId: string, nowMs: number) => {
      db.run(
        "UPDATE sessions SET expires_at = ? WHERE id = ? AND expires_at > ?",
        nowMs + policy.sessionTtlMs,
        sessionId,
        nowMs,
      );
      // The memory must not lapse under the mapping: its sequence would start anew, and seen messages leave again.
      db.run(
        "UPDATE session_memory SET expires_at = MAX(expires_at, ?) WHERE id = ?",
        nowMs + memoryTtlMs(policy),
        sessionId,
      );
    },
  };
}
