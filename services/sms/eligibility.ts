import { messageIndex, readMessage } from "../contact_centre/dialect/messages.ts";
import type { SmsCandidate } from "../store/port/events.ts";

/**
 * The messages of a notification that may leave as SMS (DESIGN §10), as far as the messages themselves can tell: the
 * store engine adds the rest of the rule, that the session is mapped and the message not older than the mapping.
 *
 * This is an allow-list: what is not understood stays inside. A leaked agents-only note is worse than a text not sent.
 */
export function smsCandidates(untrustedMessages: readonly unknown[]): SmsCandidate[] {
  const seen = new Set<number>();
  return untrustedMessages.flatMap((untrustedMessage) => {
    const index = messageIndex(untrustedMessage);
    // Two messages under one index: only the first is kept with the event, so only the first may count.
    if (index === null || seen.has(index)) return [];
    seen.add(index);
    const sentAtMs = readMessage(untrustedMessage)?.sentAtMs ?? null;
    return sentAtMs === null || smsText(untrustedMessage) === null ? [] : [{ index, sentAtMs }];
  });
}

/**
 * What of a message goes to the customer: the text, or the URL that an agent pushes, as it was written. Null when nothing may.
 * A blank text may, so that the agent is told that it is not sent (`split.ts`).
 *
 * It judges content, audience and author again, so that a caller who found a message by its index alone cannot leak one.
 */
export function smsText(untrustedMessage: unknown): string | null {
  const message = readMessage(untrustedMessage);
  if (message?.author !== "agent" || message.audience !== "everybody") return null;
  switch (message.content.kind) {
    case "text":
      return message.content.untrustedText;
    case "url":
      return shareableUrl(message.content.untrustedUrl);
    case "other":
      return null;
  }
}

/**
 * The picture that a pushed URL leads to, by the ending of its path; null for whatever else a message holds. It is to be used
 * where {@link smsText} is not null.
 */
export function smsPicture(untrustedMessage: unknown): string | null {
  const content = readMessage(untrustedMessage)?.content;
  const url = content?.kind === "url" ? shareableUrl(content.untrustedUrl) : null;
  return url !== null && /\.(?:jpe?g|png|gif)$/i.test(new URL(url).pathname) ? url : null;
}

// An authority without user information, then a rest without white space, control or invisible format characters and
// backslashes: the parser of the WHATWG URL standard would repair those silently, and the customer would get the
// unrepaired text.
const PLAIN_HTTPS_URL = /^https:\/\/[^\s\p{C}\\/?#@]+(?:[/?#][^\s\p{C}\\]*)?$/iu;

function shareableUrl(untrustedUrl: string): string | null {
  const url = untrustedUrl.trim();
  return PLAIN_HTTPS_URL.test(url) && URL.canParse(url) ? url : null;
}
