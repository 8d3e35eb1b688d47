import type { Clock } from "../../support/clock.ts";
import { disposeToken } from "./agent_token.ts";
import { createFollowedUser, type FollowedUser, isDirty } from "./followed_user.ts";
import type { Subscription } from "./subscription.ts";

// A user's states at one instance, and what leads from one to the other:
//
//   unknown  -> known      something is asked of it, or a record is taken over
//   known    -> owned      its record names this instance, whose lease holds
//   owned    -> known      its record names another instance or none, the lease is lost, the token has ended, or this
//                          instance stops
//   known    -> unknown    there is no record and nothing to be changed, or it is not worth remembering any more

/** A record as it was read or written; `text` null: there is none. */
export interface SeenRecord extends Pick<Subscription, "instance" | "agents"> {
  readonly text: string | null;
}

/** The users that this instance knows, and which of them it follows. */
export interface Ownership {
  readonly users: ReadonlyMap<string, FollowedUser>;
  owned(): readonly FollowedUser[];
  /** The user, made if need be. */
  user(key: string): FollowedUser;
  /** Remembers a user that may have been forgotten. */
  remember(user: FollowedUser): void;
  /** Goes by a record that this instance has written. */
  adoptWritten(user: FollowedUser, record: SeenRecord, startAfterMs: number): void;
  /** Goes by a record that this instance has read and not written; null: there is none. */
  adoptRead(user: FollowedUser, record: Subscription | null): void;
  /** This instance follows the user no longer, from now on. */
  release(user: FollowedUser): void;
  forget(user: FollowedUser): void;
}

export interface OwnershipOptions {
  readonly instanceId: string;
  readonly clock: Pick<Clock, "now">;
  readonly leaseHolds: () => boolean;
  /** This instance follows from now on; `startAfterMs` spreads many that come at once. */
  readonly onOwned: (user: FollowedUser, startAfterMs: number) => void;
  readonly onReleased: (user: FollowedUser) => void;
}

/** It knows no user yet. */
export function createOwnership(options: OwnershipOptions): Ownership {
  const { instanceId, clock, leaseHolds } = options;
  const users = new Map<string, FollowedUser>();

  function remember(user: FollowedUser): void {
    users.set(user.key, user);
  }

  function forget(user: FollowedUser): void {
    disposeToken(user);
    if (users.get(user.key) === user) users.delete(user.key);
  }

  function release(user: FollowedUser): void {
    if (!user.isOwned) return;
    user.isOwned = false;
    user.isRefused = false;
    user.isFollowed = false;
    user.text = null;
    options.onReleased(user);
  }

  function adopt(user: FollowedUser, record: SeenRecord, startAfterMs: number): void {
    user.agents = record.agents;
    user.isFollowed = record.text !== null && record.instance !== null;
    const isOurs = record.text !== null && record.instance === instanceId;
    user.text = isOurs ? record.text : null;
    // What was asked for while the record was written is still to be done.
    if (record.text === null && !isDirty(user)) forget(user);
    if (!isOurs) release(user);
    else if (!leaseHolds()) user.isDue = true;
    else if (!user.isOwned) {
      remember(user);
      user.isOwned = true;
      options.onOwned(user, startAfterMs);
    }
  }

  return {
    users,
    owned: () => [...users.values()].filter(({ isOwned }) => isOwned),
    user(key) {
      const known = users.get(key);
      if (known !== undefined) return known;
      const user = createFollowedUser(key);
      remember(user);
      return user;
    },
    remember,
    adoptWritten(user, record, startAfterMs) {
      user.writtenAtMs = clock.now();
      adopt(user, record, startAfterMs);
    },
    adoptRead(user, record) {
      adopt(user, record ?? { instance: null, agents: user.agents, text: null }, 0);
    },
    release,
    forget,
  };
}
