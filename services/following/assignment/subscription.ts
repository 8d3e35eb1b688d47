import { isJsonObject } from "../../support/json_object.ts";

/**
 * Why an agent is followed: `login`, for the contact-centre session, until that ends; `accept`, for an Accept alone, as long
 * as the agent has a session open.
 */
export type Because = "login" | "accept";

/** What a record says of the instance that follows. */
export interface SubscriptionMarks {
  /** The agent has other credentials than those that the instance began with, or none; it does not know that yet. */
  readonly hasOtherCredentials: boolean;
  /** Upstream turns the agent away from that instance: another one to which the agent comes with news may take over. */
  readonly isRefused: boolean;
}

export const NO_MARKS: SubscriptionMarks = { hasOtherCredentials: false, isRefused: false };

/** Who is to be followed over one connection, and which instance does it. */
export interface Subscription extends SubscriptionMarks {
  /** The record's key: see {@link subscriptionKey}. */
  readonly key: string;
  /** Null: no instance does it at the moment, and whichever can may begin. */
  readonly instance: string | null;
  readonly agents: ReadonlyMap<string, Because>;
  /** The record's text as it was read; a change is made on the condition that the record still holds it. */
  readonly text: string;
}

/** Where all agents go upstream as one user, one connection serves them all. */
const SHARED_KEY = "shared";
const AGENT_PREFIX = "agent:";

/** What a record's key may have (services/store/port/records.ts). */
const MAX_KEY_LENGTH = 512;

/** The key of an agent's subscription; null: the agent's id is too long for one. */
export function subscriptionKey(
  agentId: string,
  { isShared }: { readonly isShared: boolean },
): string | null {
  const key = isShared ? SHARED_KEY : `${AGENT_PREFIX}${agentId}`;
  return key.length > MAX_KEY_LENGTH ? null : key;
}

/** The record's text. */
export function encodeSubscription(
  { instance, agents, ...marks }:
    & Pick<Subscription, "instance" | "agents">
    & Partial<SubscriptionMarks>,
): string {
  // What is not so is left out.
  const { hasOtherCredentials = false, isRefused = false } = marks;
  return JSON.stringify({
    instance,
    agents: [...agents],
    ...(hasOtherCredentials ? { otherCredentials: true } : {}),
    ...(isRefused ? { refused: true } : {}),
  });
}

/** Null: this version cannot read it; another version wrote it, and it is to be left alone. */
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
  return {
    key,
    instance,
    agents,
    hasOtherCredentials: json.otherCredentials === true,
    isRefused: json.refused === true,
    text,
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
