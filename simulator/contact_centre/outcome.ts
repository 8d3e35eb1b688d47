import type { Refusal } from "./refusals.ts";

/** A notification and the agent whom it is for; upstream has one channel per agent. Null: nobody in particular. */
export interface Addressed {
  readonly agentId: string | null;
  readonly notification: Readonly<Record<string, unknown>>;
  /** Which CometD channel it goes to, when not to that of SMS sessions. */
  readonly channel?: string;
  /** True: also to CometD sessions that have not subscribed to the channel. */
  readonly unasked?: boolean;
}

/** What an accepted operation answers at once, and what is told afterwards, in this order. */
export interface Done {
  readonly kind: "done";
  /** The members of the answer beside `statusCode`. */
  readonly members?: Readonly<Record<string, unknown>>;
  /** The text of the whole answer instead, for a scripted one. */
  readonly verbatimAnswer?: string;
  readonly notifications: readonly Addressed[];
}

export type Outcome = Done | Refusal;

/** An accepted operation; most answer nothing but statusCode 0. */
export function done(
  notifications: readonly Addressed[],
  members: Readonly<Record<string, unknown>> = {},
): Done {
  return { kind: "done", members, notifications };
}
