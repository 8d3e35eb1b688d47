import { isDeeperThan, mayHoldInexactNumbers, parseExactly } from "../../support/exact_json.ts";
import { asArray, isJsonObject, type JsonObject } from "../../support/json_object.ts";
import { MAX_DEPTH } from "../../contact_centre/dialect/notifications.ts";

/** A message that the CometD client can be given: nothing in it makes it stumble. */
export interface BayeuxMessage {
  readonly id?: string;
  readonly channel: string;
  /** Of a notification: the text of `data`, value for value; the client only passes it on. */
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

/** What was read of an answer; null: it is no Bayeux answer at all. */
export type BayeuxAnswer = {
  readonly messages: readonly BayeuxMessage[];
  /** How many members of the answer are no messages. */
  readonly malformed: number;
} | null;

/** No server means a longer wait than this, in milliseconds; a longer one would amount to a connection that is dead. */
export const MAX_ADVICE_MS = 10 * 60_000;

/** A message wraps its data in two levels: the array of the answer, and itself. */
const FRAME_DEPTH = 2;

/** Reads an answer's text: an array of messages, or a single one. */
export function readBayeuxAnswer(untrustedText: string): BayeuxAnswer {
  const untrustedJson = parseJson(untrustedText);
  if (untrustedJson === undefined || isDeeperThan(untrustedJson, MAX_DEPTH + FRAME_DEPTH)) {
    return null;
  }
  const untrusted = asArray(untrustedJson);
  const verbatim = mayHoldInexactNumbers(untrustedText)
    ? asArray(parseExactly(untrustedText))
    : untrusted;
  const messages = untrusted.flatMap((one, at) => {
    const message = readMessage(one, verbatim[at]);
    return message === null ? [] : [message];
  });
  return { messages, malformed: untrusted.length - messages.length };
}

function parseJson(untrustedText: string): unknown {
  try {
    return JSON.parse(untrustedText);
  } catch {
    return undefined;
  }
}

function readMessage(untrusted: unknown, verbatim: unknown): BayeuxMessage | null {
  if (!isJsonObject(untrusted) || !isJsonObject(verbatim)) return null;
  // `failure` is the client's own word for an exchange that failed; of the server it would be taken for one.
  const { channel, data: _, failure: __, advice: untrustedAdvice, id, ...others } = untrusted;
  if (typeof channel !== "string" || !channel.startsWith("/")) return null;
  const advice = readAdvice(untrustedAdvice);
  return {
    ...readable(channel, others),
    channel,
    ...(id === undefined ? {} : { id: String(id) }),
    ...(verbatim.data === undefined ? {} : { data: JSON.stringify(verbatim.data) }),
    ...(advice === null ? {} : { advice }),
  };
}

/** A reply to a handshake in the shape on which the client relies without looking; others as they are. */
function readable(channel: string, untrusted: JsonObject): JsonObject {
  if (channel !== "/meta/handshake") return untrusted;
  // With `x-messages` the client would wait for so many messages before it connects, and for ever if they do not come.
  const { "x-messages": _, supportedConnectionTypes: untrustedTypes, ...others } = untrusted;
  return {
    ...others,
    successful: untrusted.successful === true && typeof untrusted.clientId === "string",
    supportedConnectionTypes: Array.isArray(untrustedTypes) ? untrustedTypes : ["long-polling"],
  };
}

/** The members of an advice that make sense; a wait that is no number would have the client poll without pause. */
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
