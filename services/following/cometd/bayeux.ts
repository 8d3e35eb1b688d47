import { isJsonObject, type JsonObject } from "../../support/json_object.ts";
import {
  expectedInsteadOf,
  itemsOf,
  memberOf,
  parseSpelled,
  type SpelledJson,
} from "../../support/spelled_json.ts";

/** A message that holds nothing over which the CometD client would stumble. */
export interface BayeuxMessage {
  readonly id?: string;
  readonly channel: string;
  /** The text of a notification's `data`, as it was spelled; the client only passes it on. */
  readonly data?: string;
  readonly advice?: Advice;
  readonly [member: string]: unknown;
}

/** What the server wants the client to do (CometD reference, "Bayeux protocol, advice"). */
export interface Advice {
  readonly reconnect?: "retry" | "handshake" | "none";
  readonly interval?: number;
  readonly timeout?: number;
  readonly "multiple-clients"?: true;
}

/** What was read of an answer; null: it is not a Bayeux answer. */
export type BayeuxAnswer = {
  readonly messages: readonly BayeuxMessage[];
  /** How many members of the answer are no messages, or are such as two readers could understand differently. */
  readonly malformed: number;
} | null;

/** The longest wait, in milliseconds, that a server can mean: a longer one would leave the connection dead. */
export const MAX_ADVICE_MS = 10 * 60_000;

/** Reads an answer's text: an array of messages, or a single one. */
export function readBayeuxAnswer(untrustedText: string): BayeuxAnswer {
  const untrusted = parseSpelled(untrustedText);
  if (untrusted === null) return null;
  const items = itemsOf(untrusted);
  const messages = items.map(readMessage).filter((message) => message !== null);
  return { messages, malformed: items.length - messages.length };
}

/** Each message by itself: one that nobody can use does not take the others with it. */
function readMessage(message: SpelledJson): BayeuxMessage | null {
  const { json: untrusted, text } = message;
  if (!isJsonObject(untrusted) || expectedInsteadOf(text) !== null) return null;
  // The client marks an exchange that failed with `failure`: sent by the server it would be taken for such a mark.
  const { channel, data: _, failure: __, advice: untrustedAdvice, id, ...others } = untrusted;
  if (typeof channel !== "string" || !channel.startsWith("/")) return null;
  const advice = readAdvice(untrustedAdvice);
  const data = memberOf(message, "data");
  return {
    ...readable(channel, others),
    channel,
    ...(typeof id === "string" || typeof id === "number" ? { id: String(id) } : {}),
    ...(data === null ? {} : { data: data.text }),
    ...(advice === null ? {} : { advice }),
  };
}

/** Gives a reply to a handshake the shape on which the client relies without checking it; leaves others as they are. */
function readable(channel: string, untrusted: JsonObject): JsonObject {
  if (channel !== "/meta/handshake") return untrusted;
  // The client would wait for as many messages as `x-messages` says before it connects, for ever if they do not come.
  const { "x-messages": _, supportedConnectionTypes: untrustedTypes, ...others } = untrusted;
  return {
    ...others,
    successful: untrusted.successful === true && typeof untrusted.clientId === "string",
    supportedConnectionTypes: Array.isArray(untrustedTypes) ? untrustedTypes : ["long-polling"],
  };
}

/** Keeps the members of an advice that make sense: with a wait that is no number the client would poll without pause. */
function readAdvice(untrusted: unknown): Advice | null {
  if (!isJsonObject(untrusted)) return null;
  const { reconnect, interval, timeout } = untrusted;
  return {
    ...(reconnect === "retry" || reconnect === "handshake" || reconnect === "none"
      ? { reconnect }
      : {}),
    ...(isWait(interval) ? { interval: Math.min(interval, MAX_ADVICE_MS) } : {}),
    ...(isWait(timeout) ? { timeout: Math.min(timeout, MAX_ADVICE_MS) } : {}),
    ...(untrusted["multiple-clients"] === true ? { "multiple-clients": true } : {}),
  };
}

function isWait(untrusted: unknown): untrusted is number {
  return typeof untrusted === "number" && Number.isFinite(untrusted) && untrusted >= 0;
}
