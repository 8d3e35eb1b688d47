import type { Operation } from "../contact_centre/dialect/operations.ts";
import type { Place } from "./place.ts";
import type { AgentAtWork } from "./work_signals.ts";

/** With what right upstream is asked in the agent's name, where that takes the agent's own token (mode `forward`). */
export type Asker = Pick<AgentAtWork, "authorization" | "authorizationExpiresAtMs">;

/** Tells the asker of what an agent has asked for. */
export type AskerOf = (request: AgentAtWork) => Asker;

/** `needsToken`: upstream is asked with the agent's own token; else it is none of our business. */
export function createAskerOf({ needsToken }: { readonly needsToken: boolean }): AskerOf {
  return ({ authorization, authorizationExpiresAtMs }) =>
    needsToken
      ? { authorization, authorizationExpiresAtMs }
      : { authorization: null, authorizationExpiresAtMs: null };
}

/** The claim that an Accept in doubt has brought. */
export interface DoubtfulClaim {
  readonly token: string;
  readonly as: "holder" | "participant";
  /** The name under which the agent is mapped if the Accept was done. */
  readonly nickname: string;
}

/** Something that upstream may or may not have done to an agent's place in a session. It is all that settling it takes. */
export interface Doubt extends Place {
  readonly operation: Pick<Operation, "name" | "effect" | "nickname">;
  /** The names under which the agent may be in the session; empty: none is known. */
  readonly nicknames: readonly string[];
  /** When the operation was sent (Unix milliseconds). */
  readonly sentAtMs: number;
  /** Until when upstream is looked at. */
  readonly untilMs: number;
  readonly asker: Asker;
  /** Null: it is no Accept. */
  readonly claim: DoubtfulClaim | null;
}
