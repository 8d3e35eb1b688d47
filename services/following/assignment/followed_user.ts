import type { Timer } from "../../support/clock.ts";
import type { Because } from "./subscription.ts";

/** The header that an agent's client sent, and how long it is good for. */
export interface Credential {
  readonly authorization: string;
  /** Unix milliseconds; null: not known. */
  readonly expiresAtMs: number | null;
  /** Ends the following with it; null where there is no end. */
  readonly expiry: Timer | null;
}

/** One user upstream: an agent, or all of them in mode `basic`. What this instance knows and wants of it. */
export interface Account {
  readonly key: string;
  /** Whom it is followed for, as the record said when this instance last saw it. */
  agents: ReadonlyMap<string, Because>;
  /** What the record is to be changed by. */
  readonly adds: Map<string, Because>;
  readonly removes: Set<string>;
  /** It is to be looked at although there is nothing to change: the lease was lost, or the record is getting old. */
  isDue: boolean;
  isOwned: boolean;
  /** Whether anybody followed, as the record said when this instance last saw it. */
  isFollowed: boolean;
  /** The record's text while it is owned. */
  text: string | null;
  /** When this instance last wrote the record, or saw it as it should be. */
  writtenAtMs: number;
  /** In mode `forward`; null in the others. */
  credential: Credential | null;
}

export function createAccount(key: string): Account {
  return {
    key,
    agents: new Map(),
    adds: new Map(),
    removes: new Set(),
    isDue: false,
    isOwned: false,
    isFollowed: false,
    text: null,
    writtenAtMs: -Infinity,
    credential: null,
  };
}

/** Whether the record has to be looked at. */
export function isDirty({ adds, removes, isDue }: Account): boolean {
  return isDue || adds.size > 0 || removes.size > 0;
}

/** The agents of a record after the changes; `login` outlives `accept`. Pure. */
export function changedAgents(
  agents: ReadonlyMap<string, Because>,
  { adds, removes }: Pick<Account, "adds" | "removes">,
): ReadonlyMap<string, Because> {
  const changed = new Map(agents);
  for (const [agentId, because] of adds) {
    if (changed.get(agentId) !== "login") changed.set(agentId, because);
  }
  for (const agentId of removes) changed.delete(agentId);
  return changed;
}
