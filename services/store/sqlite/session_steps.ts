import type { ConfirmRequest, Customer, Participant } from "../port/sessions.ts";
import type { StorePolicy } from "../port/store.ts";
import { digitsOf, memoryTtlMs } from "../rules.ts";
import type { Database } from "./database.ts";
import { afterRelease } from "./late_texts.ts";
import { type Agents, agentsOf, type SessionRow } from "./session_rows.ts";

type Newcomer = Participant & { readonly nowMs: number };

interface HandOver {
  readonly agentId: string;
  readonly left: Agents;
  readonly untilMs: number;
  readonly nowMs: number;
}

/** What changes a session, statement by statement, inside the caller's transaction. */
export function createSessionSteps(db: Database, policy: StorePolicy) {
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
  const setSeat = (sessionId: string, untilMs: number, nowMs: number) =>
    db.run(
      "UPDATE sessions SET seat_until = ?, updated_at = ? WHERE id = ?",
      untilMs,
      nowMs,
      sessionId,
    );
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
    /** What upstream said of the state during the agent's claim, unless that has lapsed. */
    heardDuringClaim: (sessionId: string, agentId: string, nowMs: number) =>
      db.one<{ state: string | null }>(
        "SELECT state FROM claims WHERE session_id = ? AND agent_id = ? AND until > ?",
        sessionId,
        agentId,
        nowMs,
      )?.state ?? null,
    map: (
      { sessionId, agentId, nickname, nowMs, acceptedUpstreamMs }: ConfirmRequest,
      state: string,
    ) =>
      db.run(
        `INSERT OR REPLACE INTO sessions (id, agent_id, agents_json, state, accepted_at,
           accepted_upstream, updated_at, expires_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        sessionId,
        agentId,
        JSON.stringify([{ agentId, nickname }]),
        state,
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
    /** `left` stay; the first of them stands in where the holder goes. */
    handOver: (session: SessionRow, { agentId, left, untilMs, nowMs }: HandOver) => {
      const [first, ...others] = left;
      const isHolders = session.agent_id === agentId;
      const staying: Agents = isHolders ? [{ ...first, standsInUntil: untilMs }, ...others] : left;
      rewriteAgents(session.id, staying, nowMs);
      setSeat(session.id, untilMs, nowMs);
    },
    /** The newcomer becomes the holder, and who stood in is a participant again. */
    takeOver: (session: SessionRow, { agentId, nickname, nowMs }: Newcomer) => {
      const [{ standsInUntil: _, ...standIn }, ...participants] = agentsOf(session);
      rewriteAgents(session.id, [{ agentId, nickname }, standIn, ...participants], nowMs);
      db.run("UPDATE sessions SET seat_until = 0, accepted_at = ? WHERE id = ?", nowMs, session.id);
    },
    /** 0 closes it. */
    setSeat,
    /** Ends the mapping, and remembers which texts may still come in from its time. */
    release: ({ id, accepted_upstream }: SessionRow, nowMs: number) => {
      const memory = db.one<{ late_json: string | null }>(
        "SELECT late_json FROM session_memory WHERE id = ?",
        id,
      );
      db.run(
        `INSERT INTO session_memory (id, late_json, expires_at) VALUES (?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET late_json = excluded.late_json`,
        id,
        afterRelease(memory?.late_json ?? null, accepted_upstream, nowMs),
        nowMs + memoryTtlMs(policy),
      );
      db.run("DELETE FROM sessions WHERE id = ?", id);
    },
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
    setCustomer: (sessionId: string, { phone, sender }: Customer, nowMs: number) =>
      db.run(
        `INSERT INTO session_memory
           (id, phone, phone_digits, sender, sender_digits, phone_given, expires_at)
         VALUES (?, ?, ?, ?, ?, 1, ?)
         ON CONFLICT (id) DO UPDATE SET
           phone = excluded.phone, phone_digits = excluded.phone_digits,
           sender = excluded.sender, sender_digits = excluded.sender_digits,
           phone_given = 1, expires_at = excluded.expires_at`,
        sessionId,
        phone,
        digitsOf(phone),
        sender,
        digitsOf(sender),
        nowMs + memoryTtlMs(policy),
      ),
  };
}
