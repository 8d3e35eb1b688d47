import type { MessageStatus } from "../provider.ts";

/** Twilio's words for how far a message got (https://www.twilio.com/docs/messaging/api/message-resource), in ours. */
const STATUSES = {
  accepted: "accepted",
  scheduled: "accepted",
  queued: "queued",
  sending: "sending",
  sent: "sent",
  partially_delivered: "sent",
  canceled: "canceled",
  failed: "failed",
  undelivered: "undelivered",
  delivered: "delivered",
  read: "read",
} as const satisfies Readonly<Record<string, MessageStatus>>;

/** The status that a report on a text of ours tells; null for `receiving`, `received` and words that Twilio may add. */
export function messageStatus(untrustedStatus: string): MessageStatus | null {
  return isKnown(untrustedStatus) ? STATUSES[untrustedStatus] : null;
}

function isKnown(untrustedStatus: string): untrustedStatus is keyof typeof STATUSES {
  return Object.hasOwn(STATUSES, untrustedStatus);
}
