/** Patchbay with `SUBSCRIBE=on` in front of a contact centre that speaks CometD. */
import assert from "node:assert/strict";
import type { Client } from "./client.ts";
import { indexesOf, listening } from "./centre.ts";
import type { ContactCentre } from "../../simulator/contact_centre/contact_centre.ts";
import {
  type ContactCentreOptions,
  startContactCentre,
} from "../../simulator/contact_centre/server.ts";
import type { Environment } from "../support/patchbay_process.ts";
import { HURRIED_MAIN } from "../support/hurried_main.ts";
import type { TestStore } from "./stores.ts";
import { told } from "./webhook_assertions.ts";
import type { WebhookConsumer } from "./webhook_consumer.ts";
import { AGENT_SCOPES, startWorld, type World } from "./world.ts";

/** What is made true or false of both. */
export type Following = (world: World, centre: ContactCentre) => Promise<void>;

const PASSWORDS = { ada: "correct horse", bob: "staple" };
/** It knows its agents, and takes every Accept. */
const GUARDED: ContactCentreOptions = {
  agents: Object.entries(PASSWORDS).map(([agentId, password]) => ({ agentId, password })),
  csrf: true,
  acceptsAny: true,
};
/** So that who is in a hurry does not give up a connect that is merely held. */
const HELD_BRIEFLY = { timeoutMs: 1_000 };
export const FOLLOWING_SCOPES = `${AGENT_SCOPES} credentials:write`;

/** A notification is late where Patchbay first has to notice that it is connected to nothing. */
export const PATIENT_MS = 20_000;
/** As long as it may take until an instance that has died is noticed. */
export const TAKEN_OVER_WITHIN_MS = 30_000;

/** A store, a contact centre and a Patchbay for this alone: what is connected is what matters. */
export async function follow(
  open: () => Promise<TestStore>,
  tell: Following,
  env: Environment = { UPSTREAM_AUTH: "vault" },
): Promise<void> {
  await using store = await open();
  await using centre = await startContactCentre(GUARDED);
  await using world = await startWorld(store, {
    SUBSCRIBE: "on",
    UPSTREAM_URL: centre.url,
    ...env,
  });
  await tell(world, centre);
}

/** The same where Patchbay is in a hurry: for what takes it half a minute. */
export async function followInHurry(
  open: () => Promise<TestStore>,
  tell: Following,
): Promise<void> {
  await using store = await open();
  await using centre = await startContactCentre({ ...GUARDED, cometd: HELD_BRIEFLY });
  await using world = await startWorld(store, {
    SUBSCRIBE: "on",
    UPSTREAM_URL: centre.url,
    UPSTREAM_AUTH: "vault",
  }, HURRIED_MAIN);
  await tell(world, centre);
}

/** This agent, with the credentials of this user left. */
export async function known(
  world: World,
  agentId: string,
  user: keyof typeof PASSWORDS,
): Promise<Client> {
  const agent = await world.agent(agentId, FOLLOWING_SCOPES);
  const credentials = { username: user, password: PASSWORDS[user] };
  const answer = await agent.put("/v1/agents/me/credentials", credentials);
  assert.ok(answer.status >= 200 && answer.status < 300, answer.text);
  return agent;
}

/** Resolves once the consumer has been told of the last message that there is in the session now. */
export async function lastMessageTold(
  centre: ContactCentre,
  consumer: WebhookConsumer,
  session: string,
): Promise<void> {
  const index = indexesOf(centre, session).at(-1);
  assert.ok(index !== undefined, `nothing was said in ${session}`);
  await consumer.attempts.until(
    `message ${index} of ${session} at the consumer`,
    () => indexesTold(consumer, session).includes(index) || undefined,
    { timeoutMs: PATIENT_MS },
  );
}

/** Asserts that the consumer has been told of all messages of the session, each once, in their order. */
export function assertAllTold(
  centre: ContactCentre,
  consumer: WebhookConsumer,
  session: string,
): void {
  assert.deepEqual(indexesTold(consumer, session), indexesOf(centre, session));
}

/** The indexes of all messages that the consumer has been told of, in the order in which it was. */
export function indexesTold(consumer: WebhookConsumer, session: string): readonly number[] {
  return told(consumer, session)
    .filter(({ type }) => type === "session.messages_added")
    .flatMap(({ data }) => {
      const messages: unknown = Object(data.notification).messages;
      assert.ok(Array.isArray(messages));
      return messages.map((message) => Number(Object(message).index));
    });
}

/** The instance that follows an agent dies; another one follows, and nothing is missing or doubled. */
export async function takeOver(world: World, centre: ContactCentre): Promise<void> {
  const consumer = await world.consumer();
  const agent = await known(world, "agent-1", "ada");
  const session = world.freshSession();
  await agent.accept(session);
  await listening(centre, "ada");
  await using _second = await world.anotherPatchbay();
  await world.patchbay.kill();
  centre.dropCometdSessions("ada");
  centre.agentTexts(session, "ada", "missed");
  await listening(centre, "ada", 2, TAKEN_OVER_WITHIN_MS);
  await lastMessageTold(centre, consumer, session);
  centre.agentTexts(session, "ada", "heard");
  await lastMessageTold(centre, consumer, session);
  assertAllTold(centre, consumer, session);
}
