import { isJsonObject, type JsonObject } from "../../support/json_object.ts";
import { observe } from "./observe.ts";
import { sessionResourceOf } from "./session_id.ts";
import { isTerminal, mayBeTaken } from "./states.ts";
import { upstreamTimeMs } from "./time.ts";

/**
 * What an agent is to a session, as upstream shows it. `in`: one of its agents. `offered`: it may be taken, so nobody has
 * accepted it in this agent's place. `out`: over for the agent, or another agent's. `somebody`: an agent is in it, and nothing
 * shows which. `unknown`: upstream did not tell.
 */
export type Membership = "in" | "offered" | "out" | "somebody" | "unknown";

/** Whose place in a session is looked for. */
export interface Sought {
  readonly agentId: string;
  /** The names under which the agent may have accepted; empty: none is known. */
  readonly nicknames: readonly string[];
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
  if (agents.length > 0 && sought.nicknames.length > 0 && agents.every(isIdentifiable)) {
    return "out";
  }
  return sought.isOwn ? "in" : "somebody";
}

/**
 * Reads the membership from a notification: from the resource that it has, or from messages that say who joined and who left.
 * Messages from before `sinceMs`, by upstream's clock, are history, and may tell of an earlier time of the same agent.
 */
export function membershipTold(
  untrustedNotification: unknown,
  { sinceMs, ...sought }: Sought & { readonly sinceMs: number },
): Membership {
  if (!isJsonObject(untrustedNotification)) return "unknown";
  const resource = sessionResourceOf(untrustedNotification);
  if (resource !== null) return membershipOf(resource, sought);
  const { messages } = untrustedNotification;
  if (!Array.isArray(messages)) return "unknown";
  const last = messages.filter(isJsonObject)
    .filter(({ from }) => isJsonObject(from) && isAgent(from) && isNamed(from, sought))
    .filter((message) => (upstreamTimeMs(message) ?? sinceMs) >= sinceMs)
    .flatMap(({ type }) => (typeof type === "string" ? MOVES.get(type.trim()) ?? [] : []))
    .at(-1);
  return last ?? "unknown";
}

/** Messages by which somebody comes or goes (SMSResources, message types). */
const MOVES: ReadonlyMap<string, Membership> = new Map([
  ["ParticipantJoined", "in"],
  ["ParticipantRejoined", "in"],
  ["ParticipantLeft", "out"],
]);

function agentsIn(untrustedParticipants: unknown): readonly JsonObject[] {
  if (!Array.isArray(untrustedParticipants)) return [];
  return untrustedParticipants.filter(isJsonObject).filter(isAgent);
}

function isAgent({ type }: JsonObject): boolean {
  return typeof type === "string" && type.trim().toLowerCase() === "agent";
}

function isNamed(agent: JsonObject, { agentId, nicknames }: Sought): boolean {
  if ([agent.path, agent.uri].some((address) => userIdIn(address) === agentId)) return true;
  const { nickname } = agent;
  return typeof nickname === "string" && nicknames.some((name) => name.trim() === nickname.trim());
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
