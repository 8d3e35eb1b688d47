import type { TokenHolder } from "./agent_token.ts";
import type { Because } from "./subscription.ts";

/** How a record's agents are to be changed. */
export interface AgentChanges {
  readonly adds: ReadonlyMap<string, Because>;
  readonly removes: ReadonlySet<string>;
}

/**
 * One user of upstream: an agent, or in mode `basic` the one user that stands for all of them. It holds what this instance
 * knows of the user, and what it wants. There is a token in mode `forward` alone.
 */
export interface FollowedUser extends TokenHolder {
  readonly key: string;
  /** For whom the user is followed, as the record said when this instance last saw it. */
  agents: ReadonlyMap<string, Because>;
  /** What the record is to be changed by. */
  readonly adds: Map<string, Because>;
  readonly removes: Set<string>;
  /** The record is to be looked at although there is nothing to change: the lease was lost, or the record is getting old. */
  isDue: boolean;
  /** This instance follows, and upstream turns the agent away from it. */
  isRefused: boolean;
  /** Upstream has just let the agent in here: this instance may take over from one from which it is turned away. */
  hasNews: boolean;
  /** This instance follows. */
  isOwned: boolean;
  /** Whether any instance followed, as the record said when this instance last saw it. */
  isFollowed: boolean;
  /** The record's text while this instance follows. */
  text: string | null;
  /** When this instance last wrote the record, or saw it as it should be (Unix milliseconds). */
  writtenAtMs: number;
}

export function createFollowedUser(key: string): FollowedUser {
  return {
    key,
    agents: new Map(),
    adds: new Map(),
    removes: new Set(),
    isDue: false,
    isRefused: false,
    hasNews: false,
    isOwned: false,
    isFollowed: false,
    text: null,
    writtenAtMs: -Infinity,
    token: null,
  };
}

/** Whether the record has to be looked at. */
export function isDirty({ adds, removes, isDue }: FollowedUser): boolean {
  return isDue || adds.size > 0 || removes.size > 0;
}
