/** Every type of event that Patchbay publishes (DESIGN §8). */
export const EVENT_TYPES = [
  "session.accepted",
  "session.released",
  "session.participant_added",
  "session.status_changed",
  "session.participants_updated",
  "session.properties_updated",
  "session.messages_added",
  "session.operation_failed",
  "session.notification",
  "sms.received",
  "sms.sent",
  "sms.delivered",
  "sms.failed",
  "customer.opted_out",
  "customer.opted_in",
  "webhook.disabled",
  "webhook.ping",
  "delivery.exhausted",
] as const;

/** The type of an event. */
export type EventType = (typeof EVENT_TYPES)[number];

/**
 * Whether an event tells about the delivering itself. What becomes of its own delivery is never told by a further
 * event: a failing consumer of failures would otherwise feed itself.
 */
export function isOperational(type: string): boolean {
  return type.startsWith("webhook.") || type.startsWith("delivery.");
}

/** Whether a webhook's pattern takes in an event type: `*`, an exact type, or `prefix.*`. */
export function matchesPattern(pattern: string, type: string): boolean {
  if (pattern === "*" || pattern === type) return true;
  // "session.*" keeps its full stop, so that it does not take in "sessions.x".
  return pattern.endsWith(".*") && type.startsWith(pattern.slice(0, -1));
}

/** Whether a pattern can ever match something; a misspelt one would only wait in silence. */
export function isKnownPattern(pattern: string): boolean {
  return EVENT_TYPES.some((type) => matchesPattern(pattern, type));
}
