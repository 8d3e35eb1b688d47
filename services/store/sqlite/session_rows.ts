import type { Participant, SessionRecord } from "../port/sessions.ts";
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
  seat_until: number;
  expires_at: number;
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

/** An agent in a session, as it is kept. */
export interface Agent extends Participant {
  /** The seat of a holder's Transfer, by its end: see {@link hasStandIn}. */
  readonly standsInUntil?: number;
}

/** Holder and participants. */
export type Agents = readonly [Agent, ...Agent[]];

/** Reads the list that this engine wrote. */
export function agentsOf(row: SessionRow): Agents {
  return JSON.parse(row.agents_json) as Agents;
}

export function isMember(session: SessionRow, agentId: string): boolean {
  return agentsOf(session).some((agent) => agent.agentId === agentId);
}

/**
 * Whether the first agent only stands in for a holder whose Transfer nobody has accepted yet. Once that seat is closed, or
 * another Invite has opened one, the first agent is the holder for good.
 */
export function hasStandIn(session: SessionRow): boolean {
  return agentsOf(session)[0].standsInUntil === session.seat_until;
}

/** Holder and participants once the agent is gone; null when nobody is left. */
export function withoutAgent(session: SessionRow, agentId: string): Agents | null {
  const [holder, ...participants] = agentsOf(session).filter((agent) => agent.agentId !== agentId);
  return holder === undefined ? null : [holder, ...participants];
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
    seatUntilMs: row.seat_until,
    sequence: row.sequence ?? 0,
    customer: row.phone === null ? null : { phone: row.phone, sender: row.sender },
  };
}
