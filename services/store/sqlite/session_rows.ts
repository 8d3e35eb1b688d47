import type { SessionRecord } from "../port/sessions.ts";
import type { Agents } from "../session_rules/kept.ts";
import type { Database } from "./database.ts";

/** A row of `sessions`. */
export interface SessionRow {
  id: string;
  agent_id: string;
  /** Holder first. As JSON because node:sqlite cuts a text at a NUL, which a nickname may hold. */
  agents_json: string;
  state: string;
  accepted_at: number;
  accepted_upstream: number;
  updated_at: number;
  /** The end of the last seat alone, for a program of schema 2. */
  seat_until: number;
  seats_json: string | null;
  expires_at: number;
  stray_until: number;
  told_up_to: number;
  joined_at: number | null;
}

/** The same with what `session_memory` adds. */
export interface SessionWithMemoryRow extends SessionRow {
  sequence: number | null;
  phone: string | null;
  sender: string | null;
}

/** The mapping, unless it has lapsed. */
export function liveSession(db: Database, id: string, nowMs: number): SessionRow | undefined {
  return db.one<SessionRow>("SELECT * FROM sessions WHERE id = ? AND expires_at > ?", id, nowMs);
}

/** Reads the list that this engine wrote. */
export function agentsOf(row: SessionRow): Agents {
  return JSON.parse(row.agents_json) as Agents;
}

/** The ends of a session's seats. */
export function seatsOf({ seats_json, seat_until }: SessionRow): readonly number[] {
  if (seats_json !== null) return JSON.parse(seats_json) as number[];
  return seat_until === 0 ? [] : [seat_until];
}

export function sessionRecord(row: SessionWithMemoryRow): SessionRecord {
  const [holder, ...participants] = agentsOf(row);
  return {
    id: row.id,
    agentId: holder.agentId,
    nickname: holder.nickname,
    participants,
    state: row.state,
    acceptedAtMs: row.accepted_at,
    acceptedUpstreamMs: row.accepted_upstream,
    updatedAtMs: row.updated_at,
    seatsUntilMs: seatsOf(row),
    sequence: row.sequence ?? 0,
    customer: row.phone === null ? null : { phone: row.phone, sender: row.sender },
  };
}
