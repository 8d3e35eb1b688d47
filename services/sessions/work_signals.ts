import type { UpstreamRequest } from "../contact_centre/rest/call.ts";

/** An agent at work, as a request of its own shows. */
export type AgentAtWork = Pick<
  UpstreamRequest,
  "agentId" | "authorization" | "authorizationExpiresAtMs"
>;

/** Hears which agents are at work, so that upstream's notifications can be followed for them. Must not throw. */
export interface WorkSignals {
  /** Upstream has begun a contact-centre session for the agent. */
  signedIn(agent: AgentAtWork): void;
  /** Upstream has ended it. */
  signedOff(agentId: string): void;
  /** Upstream has given the agent a session. */
  accepted(agent: AgentAtWork): void;
  /** The agent has done something in one. */
  working(agent: AgentAtWork): void;
}

/** Nobody wants to know. */
export const UNNOTICED: WorkSignals = {
  signedIn() {},
  signedOff() {},
  accepted() {},
  working() {},
};
