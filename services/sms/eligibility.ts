import { isJsonObject, type JsonObject } from "../support/json_object.ts";
import type { SmsCandidate } from "../store/port/events.ts";
import { upstreamTimeMs } from "../contact_centre/dialect/time.ts";

/**
 * The messages of a notification that may leave as SMS (DESIGN §10), as far as the messages themselves can tell: the
 * store engine adds the rest of the rule, that the session is mapped and the message not older than the mapping.
 *
 * This is an allow-list: what is not understood stays inside. A leaked agents-only note is worse than a text not sent.
 */
export function smsCandidates(untrustedMessages: readonly unknown[]): SmsCandidate[] {
  const seen = new Set<number>();
  return untrustedMessages.flatMap((message) => {
    const index = messageIndex(message);
    // Two messages under one index: only the first is kept with the event, so only the first may count.
    if (index === null || seen.has(index)) return [];
    seen.add(index);
    const sentAtMs = isJsonObject(message) ? upstreamTimeMs(message) : null;
    return sentAtMs === null || smsText(message) === null ? [] : [{ index, sentAtMs }];
  });
}

/**
 * What of a message goes to the customer: the text, or the URL of a PushUrl as it was written. Null when nothing may.
 *
 * It judges type, visibility and author again, so that a caller who found a message by its index alone cannot leak one.
 */
export function smsText(untrustedMessage: unknown): string | null {
  if (!isJsonObject(untrustedMessage) || !isFromAgentToAll(untrustedMessage)) return null;
  switch (untrustedMessage["type"]) {
    case "Text":
      return nonEmptyText(untrustedMessage["text"]);
    case "PushUrl":
      return shareableUrl(untrustedMessage["url"]);
    default:
      return null;
  }
}

/** A message's 1-based index, by which it is known within its session; null when it has none. */
export function messageIndex(untrustedMessage: unknown): number | null {
  const index = isJsonObject(untrustedMessage) ? untrustedMessage["index"] : null;
  return typeof index === "number" && Number.isSafeInteger(index) && index > 0 ? index : null;
}

function isFromAgentToAll(message: JsonObject): boolean {
  const from = message["from"];
  if (message["visibility"] !== "All" || !isJsonObject(from) || from["type"] !== "Agent") {
    return false;
  }
  // Newer upstreams also tell who may see the author: a consulted or coaching agent is hidden from the customer.
  const authorVisibility = from["visibility"] ?? "All";
  return authorVisibility === "All";
}

function nonEmptyText(untrustedText: unknown): string | null {
  return typeof untrustedText === "string" && untrustedText.trim() !== "" ? untrustedText : null;
}

// An authority without user information, then a rest without white space, control or invisible format characters and
// backslashes: the parser of the WHATWG URL standard would repair those silently, and the customer would get the
// unrepaired text.
const PLAIN_HTTPS_URL = /^https:\/\/[^\s\p{C}\\/?#@]+(?:[/?#][^\s\p{C}\\]*)?$/iu;

function shareableUrl(untrustedUrl: unknown): string | null {
  if (typeof untrustedUrl !== "string") return null;
  const url = untrustedUrl.trim();
  return PLAIN_HTTPS_URL.test(url) && URL.canParse(url) ? url : null;
}
