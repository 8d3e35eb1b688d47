import type { Clock } from "../../services/support/clock.ts";
import type { AgentOf } from "./auth.ts";

/** An agent who may sign in. */
export interface AgentCredentials {
  /** The user name of Basic credentials, and a bearer token's `sub`. */
  readonly agentId: string;
  /** For Basic credentials; an empty one is legal upstream, and is the default. */
  readonly password?: string;
}

/** Who is let in. */
export interface AgentDirectory {
  /** From now on the agent is known and its password is checked. */
  add(agent: AgentCredentials): void;
  /** For so long the agent, or everybody, is refused, whatever the credentials; 0 ends that. */
  deny(forMs: number, agentId?: string): void;
  isDenied(agentId: string): boolean;
  /** The agent whom an `Authorization` header proves; null: refused. */
  agentOf(authorization: string): string | null;
  /** The agent whom the header names, proved or not; null: it names none. */
  claimedBy(authorization: string): string | null;
}

/**
 * A directory. With `agents` only they and those added later are let in; without, everybody is, except that an added
 * agent needs its password. Bearer tokens have none to check: `readAgent` judges them.
 */
export function createAgentDirectory(
  { agents, readAgent, clock }: {
    readonly agents: readonly AgentCredentials[] | undefined;
    readonly readAgent: AgentOf;
    readonly clock: Pick<Clock, "now">;
  },
): AgentDirectory {
  const passwords = new Map<string, string>();
  /** Until when (Unix milliseconds), by agent; under null for everybody. */
  const deniedUntilMs = new Map<string | null, number>();
  const isDeniedAs = (whose: string | null) => (deniedUntilMs.get(whose) ?? 0) > clock.now();
  function add({ agentId, password = "" }: AgentCredentials): void {
    passwords.set(agentId, password);
  }
  for (const agent of agents ?? []) add(agent);

  return {
    add,
    deny: (forMs, agentId) => void deniedUntilMs.set(agentId ?? null, clock.now() + forMs),
    isDenied: (agentId) => isDeniedAs(agentId) || isDeniedAs(null),
    agentOf(authorization) {
      const agentId = readAgent(authorization);
      if (agentId === null) return null;
      const expected = passwords.get(agentId);
      if (expected === undefined) return agents === undefined ? agentId : null;
      const given = readBasicPassword(authorization);
      return given === null || given === expected ? agentId : null;
    },
    claimedBy: readAgent,
  };
}

/** The password of Basic credentials (RFC 7617); null for any other scheme. */
function readBasicPassword(authorization: string): string | null {
  const [, encoded] = /^\s*basic\s+(\S+)/i.exec(authorization) ?? [];
  if (encoded === undefined) return null;
  try {
    const credentials = new TextDecoder().decode(Uint8Array.fromBase64(encoded));
    const colon = credentials.indexOf(":");
    return colon < 0 ? "" : credentials.slice(colon + 1);
  } catch {
    return null;
  }
}
