/** What the stories ask of the simulated contact centre. */
import { all, byAgent, onChannel } from "../../simulator/contact_centre/fault_presets.ts";
import type { ContactCentre } from "../../simulator/contact_centre/contact_centre.ts";
import type { RecordedRequest } from "../../simulator/kit/request_log.ts";

/** Resolves once the `times`th CometD session of this agent, counted from 1, listens: it has subscribed, and a connect waits. */
export async function listening(
  { cometd }: ContactCentre,
  agentId: string,
  times = 1,
  timeoutMs?: number,
): Promise<void> {
  await cometd.happenings.until(
    `listening ${times} of ${agentId}`,
    (items) =>
      items.filter((one) => one.kind === "listening" && one.agentId === agentId)[times - 1],
    timeoutMs === undefined ? {} : { timeoutMs },
  );
}

/** How many CometD sessions of this agent have come to listen so far. */
export function timesListening({ cometd }: ContactCentre, agentId: string): number {
  return cometd.happenings.items
    .filter((one) => one.kind === "listening" && one.agentId === agentId).length;
}

/** How often a connect of this agent has been held so far. */
export function timesHeld({ cometd }: ContactCentre, agentId: string): number {
  return cometd.happenings.items.filter((one) => one.kind === "held" && one.agentId === agentId)
    .length;
}

/** Resolves once a further connect of this agent is held than the `count` so far. */
export async function heldAgain(
  centre: ContactCentre,
  agentId: string,
  count: number,
  timeoutMs?: number,
): Promise<void> {
  await centre.cometd.happenings.until(
    `held connect ${count + 1} of ${agentId}`,
    () => timesHeld(centre, agentId) > count || undefined,
    timeoutMs === undefined ? {} : { timeoutMs },
  );
}

/** How many CometD sessions of this agent there are now. */
export function cometdSessions({ cometd }: ContactCentre, agentId: string): number {
  return cometd.sessions.filter((session) => session.agentId === agentId).length;
}

/** For faults: this agent's next connect. */
export function connectsOf(agentId: string): (request: RecordedRequest) => boolean {
  return all(onChannel("/meta/connect"), byAgent(agentId));
}

/** The requests so far that got past credentials and CSRF token, in the order of their answers. */
export function letIn({ calls }: ContactCentre) {
  return calls.items.filter(({ status }) => status !== 401 && status !== 403);
}

/** Those that did not: `<status> <method> <path>`. */
export function turnedAway({ calls }: ContactCentre): readonly string[] {
  return calls.items
    .filter(({ status }) => status === 401 || status === 403)
    .map(({ status, method, path }) => `${status} ${method} ${path}`);
}

/** What this agent has been let do so far, as `operationName`s. */
export function operationsOf(centre: ContactCentre, agentId: string): readonly string[] {
  return letIn(centre)
    .filter((call) => call.agentId === agentId)
    .flatMap(({ operations }) => operations)
    .filter((operation) => !operation.startsWith("/"));
}

/** The indexes of all messages of a session. */
export function indexesOf({ sessions }: ContactCentre, sessionId: string): readonly number[] {
  const session = sessions.find(({ id }) => id === sessionId);
  return session?.messages.map(({ index }) => index) ?? [];
}
