import type { Operation } from "../contact_centre/dialect/operations.ts";
import type { SessionEnding } from "../contact_centre/dialect/states.ts";
import type { Place } from "./place.ts";
import type { AgentAtWork } from "./work_signals.ts";

/** In whose name upstream is asked, and with what right; used in mode `forward` alone. */
export type Asker = Pick<AgentAtWork, "authorization" | "authorizationExpiresAtMs">;

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
  /** Upstream told of this end, and not to whom; null: it is an operation of the agent whose answer got lost. */
  readonly ending: SessionEnding | null;
}
