import type { SubscriberState } from "./subscriber.ts";

/** Readiness is asked for often and by anybody: it names so many agents, and counts the others. */
const NAMES = 5;
const LONGEST_NAME = 64;

/**
 * Whom Patchbay does not hear although it should: `refused: agent-1, agent-2; not heard: agent-3`. Null: nobody. Agents who
 * have left no credentials are not among them: nothing is wrong, and nobody but the agent can change it. Pure.
 */
export function describeTrouble(
  { isShared, refused, deaf }: Pick<SubscriberState, "isShared" | "refused" | "deaf">,
): string | null {
  const troubles = [["refused", refused], ["not heard", deaf]] as const;
  const told = troubles.filter(([, agentIds]) => agentIds.length > 0);
  if (told.length === 0) return null;
  return told.map(([what, agentIds]) => `${what}: ${isShared ? "all agents" : namesOf(agentIds)}`)
    .join("; ");
}

function namesOf(agentIds: readonly string[]): string {
  const names = agentIds.slice(0, NAMES).map((agentId) =>
    agentId.length > LONGEST_NAME ? `${agentId.slice(0, LONGEST_NAME)}…` : agentId
  );
  const others = agentIds.length - names.length;
  return names.join(", ") + (others > 0 ? ` and ${others} more` : "");
}
