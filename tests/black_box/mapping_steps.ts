/** What the stories of mappings do again and again. */
import assert from "node:assert/strict";
import type { Answer, Client } from "./client.ts";
import { readSession } from "./shapes.ts";
import { aborted, statusZero } from "../support/scripted_upstream.ts";
import { told } from "./webhook_assertions.ts";
import type { AnotherPatchbay, RegisteredConsumer, World } from "./world.ts";

/** Whom an Invite or Consult names. */
export const GUEST = { targetUri: "http://localhost:8080/api/v2/users/2a6c" };

/** Callers for `agent-1` and so on. */
export async function agents(world: World, count: number) {
  const names = Array.from({ length: count }, (_, at) => `agent-${at + 1}`);
  return await Promise.all(names.map((name) => world.agent(name))) as [Client, Client, Client];
}

/** Accepts it, and is let in. */
export async function accepted(agent: Client, session: string): Promise<void> {
  assert.equal((await agent.accept(session)).status, 200);
}

/** For an instance at which {@link acceptInVain} ends soon. */
export const SHORT_OF_PATIENCE = { UPSTREAM_TIMEOUT_MS: "1000" };

/** An Accept at this instance whose client hangs up before the contact centre has answered, which it never does. */
export async function acceptInVain(
  world: World,
  { url }: Pick<AnotherPatchbay, "url">,
  agent: Client,
  session: string,
): Promise<void> {
  world.upstream.answer(session, async ({ signal }) => {
    await aborted(signal);
    return statusZero();
  });
  const asked = world.upstream.about(session).length;
  const hangsUp = new AbortController();
  const unanswered = fetch(`${url}/api/v2/me/smssessions/${session}`, {
    method: "POST",
    headers: { authorization: `Bearer ${agent.token}`, "content-type": "application/json" },
    body: JSON.stringify({ operationName: "Accept", nickname: "Eve" }),
    signal: hangsUp.signal,
  });
  const { signal } = await world.upstream.asked(session, asked + 1);
  hangsUp.abort();
  await assert.rejects(unanswered);
  await aborted(signal);
  world.upstream.answer(session, statusZero);
}

/** What is kept of a mapping; null where there is none. */
export async function mapping(world: World, session: string) {
  const answer = await world.admin.get(`/v1/sessions/${session}`);
  return answer.status === 404 ? null : readSession(answer.json());
}

/** How the consumer was told that the session's mappings ended. */
export function endings(consumer: RegisteredConsumer, session: string) {
  return told(consumer, session)
    .filter(({ type }) => type === "session.released")
    .map(({ data: { agentId, reason, by } }) => ({
      agentId,
      reason,
      ...(by !== undefined && { by }),
    }));
}

/** Asks again until what another request led to is in the store. */
export async function untilNot409(ask: () => Promise<Answer>): Promise<Answer> {
  for (let tries = 0;; tries++) {
    const answer = await ask();
    if (answer.status !== 409 || tries === 50) return answer;
  }
}
