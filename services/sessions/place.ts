/** An agent's place in a session. */
export interface Place {
  readonly agentId: string;
  readonly sessionId: string;
}
