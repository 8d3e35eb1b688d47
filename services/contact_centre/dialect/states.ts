import { folded } from "./spelling.ts";

/** How a session can be over for an agent: it was finished, or upstream took it back. */
export type SessionEnding = "completed" | "revoked";

/** What a state means for the agent who is told of it. */
interface SessionState {
  /** The session is offered to the agent, who may take it by Accept and is not told yet what is said in it. */
  readonly mayBeTaken: boolean;
  /** Null: the session is not over. */
  readonly ending: SessionEnding | null;
}

/**
 * Every state of a session that is known. The SMS pages name `Invited`, `Chatting`, `LeftChat` and `Completed`. The
 * vendor's own .NET client takes `Revoked` for an end, too: an offer that nobody answered in time is taken back so. By name in
 * small letters, as a state is meant whichever way it is written.
 */
const SESSION_STATES: ReadonlyMap<string, SessionState> = new Map<string, SessionState>([
  ["invited", { mayBeTaken: true, ending: null }],
  ["chatting", { mayBeTaken: false, ending: null }],
  // Not an end: `Completed` follows by itself (SMSLeave).
  ["leftchat", { mayBeTaken: false, ending: null }],
  ["completed", { mayBeTaken: false, ending: "completed" }],
  ["revoked", { mayBeTaken: false, ending: "revoked" }],
]);

/** How a session in this state has ended for the agent; null: it goes on, as one in an unknown state does. */
export function endingOf(state: string): SessionEnding | null {
  return traitsOf(state)?.ending ?? null;
}

/** Whether a session in this state is over for the agent. */
export function isTerminal(state: string): boolean {
  return endingOf(state) !== null;
}

/** Whether a session in this state is merely offered to the agent. */
export function mayBeTaken(state: string): boolean {
  return traitsOf(state)?.mayBeTaken ?? false;
}

function traitsOf(state: string): SessionState | undefined {
  return SESSION_STATES.get(folded(state));
}
