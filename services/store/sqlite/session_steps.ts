import type { ConfirmRequest, Customer } from "../port/sessions.ts";
import type { StorePolicy } from "../port/store.ts";
import { digitsOf, memoryTtlMs } from "../rules.ts";
import type { Database } from "./database.ts";
import { afterRelease } from "./late_texts.ts";
import type { ClaimChange, Kept, MappingChange } from "../session_rules.ts";
import { agentsOf, liveSession, seatsOf } from "./session_rows.ts";

/** Which session a step is about, and when. */
interface Step {
  readonly sessionId: string;
  readonly nowMs: number;
}

/** Whose claim a step is about. */
interface ClaimStep extends Step {
  readonly agentId: string;
  /** Of a claim that is taken. */
  readonly token?: string;
}

/** A row of `claims`, as far as the rules look at it. */
interface ClaimRow {
  agent_id: string;
  until: number;
  doubt_from: number | null;
  seat_until: number | null;
}

/** What reads and changes a session, statement by statement, inside the caller's transaction; what is to be done, the rules say. */
export function createSessionSteps(db: Database, policy: StorePolicy) {
  return {
    kept: ({ sessionId, nowMs }: Step): Kept => {
      const session = liveSession(db, sessionId, nowMs);
      const claims = db.all<ClaimRow>(
        `SELECT agent_id, until, doubt_from, seat_until FROM claims
         WHERE session_id = ? AND until > ?`,
        sessionId,
        nowMs,
      );
      return {
        mapping: session === undefined ? null : {
          agents: agentsOf(session),
          seats: seatsOf(session),
          acceptedAtMs: session.accepted_at,
        },
        claims: claims.map(({ agent_id, until, doubt_from, seat_until }) => ({
          agentId: agent_id,
          untilMs: until,
          doubtFromMs: doubt_from ?? until,
          seatUntilMs: seat_until,
        })),
      };
    },
    changeClaims: ({ sessionId, agentId, nowMs, token }: ClaimStep, change: ClaimChange): void => {
      if (change.to === "take") {
        // To an instance whose clock is behind they would not have lapsed yet.
        db.run("DELETE FROM claims WHERE session_id = ? AND until <= ?", sessionId, nowMs);
        const { untilMs, doubtFromMs, seatUntilMs } = change.claim;
        db.run(
          `INSERT OR REPLACE INTO claims
             (session_id, agent_id, token, until, doubt_from, seat_until)
           VALUES (?, ?, ?, ?, ?, ?)`,
          sessionId,
          agentId,
          token ?? "",
          untilMs,
          doubtFromMs,
          seatUntilMs,
        );
      } else if (change.to === "drop-own") {
        db.run("DELETE FROM claims WHERE session_id = ? AND agent_id = ?", sessionId, agentId);
      } else {
        db.run("DELETE FROM claims WHERE session_id = ?", sessionId);
      }
    },
    begin: (
      { sessionId, agentId, nowMs, acceptedUpstreamMs }: ConfirmRequest,
      { mapping, asHeard }: MappingChange & { readonly to: "begin" },
    ) =>
      db.run(
        `INSERT OR REPLACE INTO sessions (id, agent_id, agents_json, seat_until, seats_json, state,
           accepted_at, accepted_upstream, updated_at, expires_at)
         VALUES (?, ?, ?, ?, ?, COALESCE(
           (SELECT state FROM claims WHERE session_id = ? AND agent_id = ? AND ?), 'accepted'),
           ?, ?, ?, ?)`,
        sessionId,
        mapping.agents[0].agentId,
        JSON.stringify(mapping.agents),
        mapping.seats.at(-1) ?? 0,
        JSON.stringify(mapping.seats),
        sessionId,
        agentId,
        asHeard ? 1 : 0,
        mapping.acceptedAtMs,
        acceptedUpstreamMs,
        nowMs,
        nowMs + policy.sessionTtlMs,
      ),
    change: (
      { sessionId, nowMs }: Step,
      { mapping }: MappingChange & { readonly to: "change" },
    ) =>
      db.run(
        `UPDATE sessions SET agent_id = ?, agents_json = ?, seat_until = ?, seats_json = ?,
           updated_at = ?, accepted_at = ?
         WHERE id = ?`,
        mapping.agents[0].agentId,
        JSON.stringify(mapping.agents),
        mapping.seats.at(-1) ?? 0,
        JSON.stringify(mapping.seats),
        nowMs,
        mapping.acceptedAtMs,
        sessionId,
      ),
    /** Ends the mapping, and remembers which texts may still come in from its time. */
    release: ({ sessionId, nowMs }: Step) => {
      const session = db.one<{ accepted_upstream: number }>(
        "DELETE FROM sessions WHERE id = ? RETURNING accepted_upstream",
        sessionId,
      );
      if (session === undefined) return;
      const memory = db.one<{ late_json: string | null }>(
        "SELECT late_json FROM session_memory WHERE id = ?",
        sessionId,
      );
      db.run(
        `INSERT INTO session_memory (id, late_json, expires_at) VALUES (?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET late_json = excluded.late_json`,
        sessionId,
        afterRelease(memory?.late_json ?? null, session.accepted_upstream, nowMs),
        nowMs + memoryTtlMs(policy),
      );
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
