import assert from "node:assert/strict";
import type { Subscriber } from "../../../services/following/subscriber.ts";
import type { FollowedCentre } from "./followed_centre.ts";
import { following } from "./following.ts";

/** Agents with one session each, all accepted and followed. */
export interface Crowd {
  readonly agentIds: readonly string[];
  sessionOf(agentId: string): string;
}

/** Brings them all to life. */
export async function gather(
  followed: FollowedCentre,
  subscriber: Subscriber,
  size: number,
): Promise<Crowd> {
  const agentIds = Array.from({ length: size }, (_, at) => `agent-${at + 1}`);
  const sessionOf = (agentId: string) => `session-of-${agentId}`;
  for (const agentId of agentIds) {
    followed.centre.addSession({ id: sessionOf(agentId), customer: { nickname: "Ada" }, agentId });
    await followed.accepted(agentId, sessionOf(agentId));
    subscriber.follow(following(agentId));
  }
  await followed.until(() => subscriber.state.live === size);
  return { agentIds, sessionOf };
}

/** Every message that upstream has of the sessions became an event once, in the order of their indices. */
export async function assertNothingMissingOrDoubled(
  followed: FollowedCentre,
  { agentIds, sessionOf }: Crowd,
): Promise<void> {
  const upstream = new Map(followed.centre.sessions.map(({ id, messages }) => [id, messages]));
  for (const sessionId of agentIds.map(sessionOf)) {
    const expected = upstream.get(sessionId)?.map(({ index }) => index);
    const told = (await followed.messages(sessionId)).map(({ index }) => index);
    assert.deepEqual(told, expected, sessionId);
  }
}

/** Resolves once as many messages were told as upstream has. */
export async function everythingTold(
  followed: FollowedCentre,
  { agentIds, sessionOf }: Crowd,
): Promise<void> {
  const upstream = new Map(followed.centre.sessions.map(({ id, messages }) => [id, messages]));
  for (const sessionId of agentIds.map(sessionOf)) {
    const last = (upstream.get(sessionId)?.length ?? 0) + 1;
    await followed.until(async () =>
      (await followed.store.firstUnseenMessage([sessionId]))[0] === last
    );
  }
}
