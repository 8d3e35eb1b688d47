import type { ConfirmRequest, Customer } from "../port/sessions.ts";
import type { StorePolicy } from "../port/store.ts";
import { digitsOf, memoryTtlMs, UNHEARD_STATE } from "../rules.ts";
import type { Database } from "./database.ts";
import { afterRelease } from "./late_texts.ts";
import { TOKENS_KEPT } from "../session_rules/claims.ts";
import type { KeptOfStates } from "../session_rules/endings.ts";
import {
  type ClaimChange,
  type Kept,
  type MappingChange,
  STRAY_ENDING_MS,
} from "../session_rules/kept.ts";
import { agentsOf, liveSession, seatsOf } from "./session_rows.ts";

/** Which session a step is about, and when. */
interface Step {
  readonly sessionId: string;
  readonly nowMs: number;
}

/** Whose claim it is. */
interface AgentsClaim {
  readonly sessionId: string;
  readonly agentId: string;
}

/** Whose claim a step is about. */
interface ClaimStep extends Step, AgentsClaim {
  /** Of a claim that is taken. */
  readonly token?: string;
}

/** A row of `claims`, as far as the rules look at it. */
interface ClaimRow {
  agent_id: string;
  until: number;
  doubt_from: number | null;
  seat_until: number | null;
  claimed_at: number;
  state: string | null;
}

/** Whether a claim is one of the Accept with the token that is the next parameter. The column has them all, with blanks between. */
export const HAS_TOKEN = "instr(' ' || token || ' ', ' ' || ? || ' ') > 0";

/** The steps of one database. */
export type SessionSteps = ReturnType<typeof createSessionSteps>;

/** What reads and changes a session, statement by statement, inside the caller's transaction; what is to be done, the rules say. */
export function createSessionSteps(db: Database, policy: StorePolicy) {
  function dropClaim({ sessionId, agentId }: AgentsClaim): void {
    db.run("DELETE FROM claims WHERE session_id = ? AND agent_id = ?", sessionId, agentId);
  }

  function tokensOf({ sessionId, agentId }: AgentsClaim): readonly string[] {
    const claim = db.one<{ token: string }>(
      "SELECT token FROM claims WHERE session_id = ? AND agent_id = ?",
      sessionId,
      agentId,
    );
    return claim === undefined ? [] : claim.token.split(" ");
  }

  return {
    kept: ({ sessionId, nowMs }: Step): Kept => {
      const session = liveSession(db, sessionId, nowMs);
      const claims = db.all<ClaimRow>(
        `SELECT agent_id, until, doubt_from, seat_until, claimed_at, state FROM claims
         WHERE session_id = ? AND until > ?`,
        sessionId,
        nowMs,
      );
      return {
        mapping: session === undefined ? null : {
          agents: agentsOf(session),
          seats: seatsOf(session),
          acceptedAtMs: session.accepted_at,
          strayUntilMs: session.stray_until,
        },
        claims: claims.map(({ agent_id, until, doubt_from, seat_until, claimed_at, state }) => ({
          agentId: agent_id,
          untilMs: until,
          doubtFromMs: doubt_from ?? until,
          seatUntilMs: seat_until,
          fromMs: claimed_at,
          hasHeard: state !== null,
        })),
      };
    },
    statesKept: ({ sessionId, nowMs }: Step): KeptOfStates => {
      const memory = db.one<{ ending_owed_until: number }>(
        "SELECT ending_owed_until FROM session_memory WHERE id = ?",
        sessionId,
      );
      return {
        hasHeard: liveSession(db, sessionId, nowMs)?.state !== UNHEARD_STATE,
        owedUntilMs: memory?.ending_owed_until ?? 0,
      };
    },
    /** Upstream has told of the end of an earlier mapping. */
    forgetOwed: ({ sessionId }: Step) =>
      db.run("UPDATE session_memory SET ending_owed_until = 0 WHERE id = ?", sessionId),
    changeClaims: ({ sessionId, agentId, nowMs, token }: ClaimStep, change: ClaimChange): void => {
      if (change.to === "take") {
        // To an instance whose clock is behind they would not have lapsed yet.
        db.run("DELETE FROM claims WHERE session_id = ? AND until <= ?", sessionId, nowMs);
        const { untilMs, doubtFromMs, seatUntilMs, fromMs } = change.claim;
        const tokens = [...tokensOf({ sessionId, agentId }), token ?? ""];
        db.run(
          `INSERT OR REPLACE INTO claims
             (session_id, agent_id, token, until, doubt_from, seat_until, claimed_at)
           VALUES (?, ?, ?, ?, ?, ?, ?)`,
          sessionId,
          agentId,
          tokens.slice(-TOKENS_KEPT).join(" "),
          untilMs,
          doubtFromMs,
          seatUntilMs,
          fromMs,
        );
      } else if (change.to === "drop-own") {
        dropClaim({ sessionId, agentId });
      } else {
        db.run("DELETE FROM claims WHERE session_id = ?", sessionId);
      }
    },
    releaseClaim: ({ sessionId, token, forAll }: {
      readonly sessionId: string;
      readonly token: string;
      readonly forAll: boolean;
    }): void => {
      const claims = db.all<{ agent_id: string; token: string }>(
        `SELECT agent_id, token FROM claims WHERE session_id = ? AND ${HAS_TOKEN}`,
        sessionId,
        token,
      );
      for (const { agent_id: agentId, token: tokens } of claims) {
        const left = forAll ? [] : tokens.split(" ").filter((each) => each !== token);
        if (left.length === 0) dropClaim({ sessionId, agentId });
        else {
          db.run(
            "UPDATE claims SET token = ? WHERE session_id = ? AND agent_id = ?",
            left.join(" "),
            sessionId,
            agentId,
          );
        }
      }
    },
    begin: (
      { sessionId, agentId, nowMs, acceptedUpstreamMs }: ConfirmRequest,
      { mapping, asHeard }: MappingChange & { readonly to: "begin" },
    ) =>
      db.run(
        `INSERT OR REPLACE INTO sessions (id, agent_id, agents_json, seat_until, seats_json, state,
           accepted_at, accepted_upstream, updated_at, expires_at, told_up_to)
         VALUES (?, ?, ?, ?, ?, COALESCE(
           (SELECT state FROM claims WHERE session_id = ? AND agent_id = ? AND ?), '${UNHEARD_STATE}'),
           ?, ?, ?, ?, COALESCE(
           (SELECT MAX(message_index) FROM seen_messages WHERE session_id = ?), 0))`,
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
        sessionId,
      ),
    change: (
      { sessionId, nowMs }: Step,
      { mapping }: MappingChange & { readonly to: "change" },
    ) =>
      db.run(
        `UPDATE sessions SET agent_id = ?, agents_json = ?, seat_until = ?, seats_json = ?,
           updated_at = ?, accepted_at = ?, stray_until = ?
         WHERE id = ?`,
        mapping.agents[0].agentId,
        JSON.stringify(mapping.agents),
        mapping.seats.at(-1) ?? 0,
        JSON.stringify(mapping.seats),
        nowMs,
        mapping.acceptedAtMs,
        mapping.strayUntilMs,
        sessionId,
      ),
    /**
     * Ends the mapping, and remembers which texts may still come in from its time. `isOwed`: upstream is about to tell that it
     * is over.
     */
    release: ({ sessionId, nowMs }: Step, { isOwed }: { readonly isOwed: boolean }) => {
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
        `INSERT INTO session_memory (id, late_json, ending_owed_until, expires_at)
         VALUES (?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET
           late_json = excluded.late_json, ending_owed_until = excluded.ending_owed_until`,
        sessionId,
        afterRelease(memory?.late_json ?? null, session.accepted_upstream, nowMs),
        isOwed ? nowMs + STRAY_ENDING_MS : 0,
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
