import { isJsonObject } from "../../support/json_object.ts";

/**
 * Why an agent is followed: for the contact-centre session, until that ends; or for an Accept alone, as long as the agent
 * has a session open.
 */
export type Because = "login" | "accept";

/** Who is to be followed over one connection, and who does. */
export interface Subscription {
  /** The record's key: see {@link subscriptionKey}. */
  readonly key: string;
  /** Null: nobody at the moment, whoever can may. */
  readonly instance: string | null;
  readonly agents: ReadonlyMap<string, Because>;
  /** The record's text as it was read, for changing it on no other condition. */
  readonly text: string;
}

/** Where all agents go upstream as one user, one connection is for them all. */
const SHARED_KEY = "shared";
const AGENT_PREFIX = "agent:";

/** The name of an agent's subscription. */
export function subscriptionKey(agentId: string, { isShared }: { readonly isShared: boolean }) {
  return isShared ? SHARED_KEY : `${AGENT_PREFIX}${agentId}`;
}

/** The record's text. */
export function encodeSubscription(
  { instance, agents }: Pick<Subscription, "instance" | "agents">,
): string {
  return JSON.stringify({ instance, agents: [...agents] });
}

/** Null for what this version cannot read: another version's, to be left alone. */
export function decodeSubscription(key: string, text: string): Subscription | null {
  const json = parse(text);
  if (!isJsonObject(json) || !Array.isArray(json.agents)) return null;
  const { instance } = json;
  if (instance !== null && typeof instance !== "string") return null;
  const agents = new Map<string, Because>();
  for (const entry of json.agents) {
    if (!Array.isArray(entry) || typeof entry[0] !== "string") return null;
    agents.set(entry[0], entry[1] === "login" ? "login" : "accept");
  }
  return { key, instance, agents, text };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** An instance as others see it. */
export interface LivingInstance {
  readonly id: string;
  /** Unless it renews its record before, it is dead from then on. */
  readonly untilMs: number;
}

/** The subscriptions that nobody serves: their instance is gone, or is this one, which does not know of it. Pure. */
export function orphansAmong(
  subscriptions: readonly Subscription[],
  living: readonly LivingInstance[],
  ownId: string,
): readonly Subscription[] {
  const others = new Set(living.map(({ id }) => id).filter((id) => id !== ownId));
  return subscriptions.filter(({ instance }) => instance === null || !others.has(instance));
}
