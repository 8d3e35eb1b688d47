import type { Agent } from "../auth/token_verifier.ts";
import { InsufficientScope } from "../errors.ts";
import type { SessionRecord } from "../store/port/sessions.ts";

/** Whether an agent may see and change every session. */
export function supervises({ scopes }: Pick<Agent, "scopes">): boolean {
  return scopes.has("sms:supervise");
}

/** Whether a session is an agent's own: as holder or as participant. */
export function isInSession(
  { agentId, participants }: SessionRecord,
  candidateAgentId: string,
): boolean {
  return agentId === candidateAgentId ||
    participants.some((participant) => participant.agentId === candidateAgentId);
}

/** Whether an agent may see a session. */
export function maySee(agent: Pick<Agent, "id" | "scopes">, session: SessionRecord): boolean {
  return supervises(agent) || isInSession(session, agent.id);
}

/**
 * Whether an agent may write only to sessions that it may see. One whose token operates no sessions is an integration
 * and may write to any; any other could have another agent's texts sent to a number of its choice.
 */
export function writesOnlyToVisible({ scopes }: Pick<Agent, "scopes">): boolean {
  return scopes.has("sms:operate");
}

/**
 * Whose sessions to list for an agent who asked for those of `untrustedAgentId`; null: everybody's.
 * @throws {InsufficientScope} for another agent's without `sms:supervise`
 */
export function listedAgentId(
  agent: Pick<Agent, "id" | "scopes">,
  untrustedAgentId: string | undefined,
): string | null {
  if (supervises(agent)) return untrustedAgentId ?? null;
  if (untrustedAgentId !== undefined && untrustedAgentId !== agent.id) {
    throw new InsufficientScope(
      "Cannot list another agent's sessions: expected the scope sms:supervise",
      {
        // RFC 6750 §3.1
        headers: {
          "www-authenticate": 'Bearer error="insufficient_scope", scope="sms:supervise"',
        },
      },
    );
  }
  return agent.id;
}
