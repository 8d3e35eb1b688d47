import { isJsonObject, type JsonObject } from "../../support/json_object.ts";
import { observe } from "./observe.ts";
import { isTerminal, mayBeTaken } from "./states.ts";

/**
 * What an agent is to a session, as upstream shows it. `in`: one of its agents. `offered`: it may be taken, so nobody has
 * accepted it in this agent's place. `out`: over for the agent, or another agent's. `somebody`: an agent is in it, and nothing
 * shows which. `unknown`: upstream did not tell.
 */
export type Membership = "in" | "offered" | "out" | "somebody" | "unknown";

/** Whose place in a session is looked for. */
export interface Sought {
  readonly agentId: string;
  /** The name under which the agent accepted; null: not known. */
  readonly nickname: string | null;
  /**
   * The resource is one that upstream shows to its agents alone, asked for with this agent's own credentials or told by its
   * own connection. False: it may be anybody's.
   */
  readonly isOwn: boolean;
}

/**
 * Reads the membership from a session resource. `participants` names agents by nickname and, in newer samples, by the path
 * `/users/{id}` (SMSGetMessages); it may be empty right after Accept, and where a session is only offered. A nickname is the
 * agent's own choice: it tells agents apart only because the agent sought is known to have asked for the session.
 */
export function membershipOf(untrustedResource: unknown, sought: Sought): Membership {
  if (!isJsonObject(untrustedResource)) return "unknown";
  const { state } = observe({ smssession: untrustedResource });
  if (state === undefined) return "unknown";
  if (isTerminal(state)) return "out";
  if (mayBeTaken(state)) return "offered";
  const agents = agentsIn(untrustedResource.participants);
  if (agents.some((agent) => isNamed(agent, sought))) return "in";
  if (agents.length > 0 && sought.nickname !== null && agents.every(isIdentifiable)) return "out";
  return sought.isOwn ? "in" : "somebody";
}

function agentsIn(untrustedParticipants: unknown): readonly JsonObject[] {
  if (!Array.isArray(untrustedParticipants)) return [];
  return untrustedParticipants.filter(isJsonObject).filter(({ type }) => type === "Agent");
}

function isNamed(agent: JsonObject, { agentId, nickname }: Sought): boolean {
  if ([agent.path, agent.uri].some((address) => userIdIn(address) === agentId)) return true;
  return nickname !== null && agent.nickname === nickname;
}

function isIdentifiable({ nickname, path, uri }: JsonObject): boolean {
  return [nickname, path, uri].some((name) => typeof name === "string" && name !== "");
}

/** The id in `/users/{id}` at the end of a path or address, percent-decoded; null where there is none. */
function userIdIn(untrustedAddress: unknown): string | null {
  if (typeof untrustedAddress !== "string") return null;
  const [, id] = /\/users\/([^/?#]+)\/?$/.exec(untrustedAddress.trim()) ?? [];
  try {
    return id === undefined ? null : decodeURIComponent(id);
  } catch {
    return null; // a percent sign that encodes nothing
  }
}
