import type { EventType } from "../../events/event_types.ts";
import type { ParsedMessage, ParsedNotification } from "../../events/notification.ts";
import { isJsonObject } from "../../support/json_object.ts";
import { itemsOf, memberOf, type SpelledJson } from "../../support/spelled_json.ts";
import { joinedBy, messageIndex } from "./messages.ts";
import { observe } from "./observe.ts";
import { namesSession, sessionIdOf } from "./session_id.ts";

/** At most this many notifications are taken in one request. */
export const MAX_NOTIFICATIONS = 1_000;
/** At most this many messages are taken in one request, over all of its notifications. */
export const MAX_MESSAGES = 10_000;

/** `notificationType` of a session whose state has changed. */
export const STATUS_CHANGE = "StatusChange";
/** `notificationType` of a session in which others are than before. */
export const PARTICIPANTS_UPDATED = "ParticipantsUpdated";
/** `notificationType` of a session whose attached data has changed. */
export const PROPERTIES_UPDATED = "PropertiesUpdated";
/** `notificationType` of messages that have come into a session. */
export const NEW_MESSAGES = "NewMessages";

// DESIGN §8, by `notificationType`; whatever is not here becomes `session.notification`.
const EVENT_TYPES: ReadonlyMap<string, EventType> = new Map([
  [STATUS_CHANGE, "session.status_changed"],
  [PARTICIPANTS_UPDATED, "session.participants_updated"],
  [PROPERTIES_UPDATED, "session.properties_updated"],
  [NEW_MESSAGES, "session.messages_added"],
  ["Error", "session.operation_failed"],
]);

/** What was read, or one line that says what is wrong and where. */
export type ReadOutcome =
  | {
    readonly ok: true;
    readonly notifications: readonly ParsedNotification[];
    /** How many CometD meta messages were passed over: they carry no notification. */
    readonly skipped: number;
  }
  | { readonly ok: false; readonly reason: RefusalReason; readonly message: string };

/**
 * `no-session`: a notification is about something other than a session. Whoever listens to more than sessions, a CometD
 * subscriber for one, hands in each notification alone and passes over these. `unusable`: everything else.
 */
export type RefusalReason = "no-session" | "unusable";

/**
 * Reads one notification, an array of them, or either in CometD framing (`{channel, data}`). Liberal in the ways that
 * upstream's documentation contradicts itself: both spellings of `smssession`, and blanks around a type. All or
 * nothing: one notification that cannot be used refuses them all.
 *
 * A NewMessages needs `messages` to be objects with a positive integer `index` each, as one without could be told
 * neither from an old message nor from a new one.
 *
 * @param untrusted what `readJson` has read: with each member once
 */
export function readNotifications(untrusted: SpelledJson): ReadOutcome {
  const bodies = itemsOf(untrusted);
  if (bodies.length === 0 || bodies.length > MAX_NOTIFICATIONS) {
    return refusal("the body", `1 to ${MAX_NOTIFICATIONS} notifications, not ${bodies.length}`);
  }

  const notifications: ParsedNotification[] = [];
  let messages = 0;
  for (const [at, body] of bodies.entries()) {
    if (isMeta(body.json)) continue;
    const where = bodies.length === 1 ? "the notification" : `notification ${at + 1}`;
    const read = readOne(unframed(body));
    if ("expected" in read) return refusal(where, read.expected, read.reason);
    messages += read.messages?.length ?? 0;
    if (messages > MAX_MESSAGES) {
      return refusal(where, `at most ${MAX_MESSAGES} messages in one request`);
    }
    notifications.push(read);
  }
  return { ok: true, notifications, skipped: bodies.length - notifications.length };
}

interface Unusable {
  readonly expected: string;
  readonly reason?: RefusalReason;
}

function readOne(untrusted: SpelledJson): ParsedNotification | Unusable {
  const { json: untrustedJson } = untrusted;
  if (!isJsonObject(untrustedJson)) return { expected: "a JSON object" };
  const sessionId = sessionIdOf(untrustedJson);
  if (sessionId === null) {
    const expected = "a session id in smssession.id, smssessionPath or smssessionUri";
    return { expected, reason: namesSession(untrustedJson) ? "unusable" : "no-session" };
  }
  const eventType = eventTypeOf(untrustedJson.notificationType);
  const messages = eventType === "session.messages_added"
    ? readMessages(memberOf(untrusted, "messages"))
    : null;
  if (messages !== null && "expected" in messages) return messages;
  return {
    eventType,
    sessionId,
    verbatim: untrusted,
    observed: observe(untrustedJson),
    messages,
  };
}

function eventTypeOf(untrustedType: unknown): EventType {
  const type = typeof untrustedType === "string" ? EVENT_TYPES.get(untrustedType.trim()) : null;
  return type ?? "session.notification";
}

function readMessages(untrustedMessages: SpelledJson | null): ParsedMessage[] | Unusable {
  if (untrustedMessages === null || !Array.isArray(untrustedMessages.json)) {
    return { expected: "messages to be an array" };
  }
  const untrusted = itemsOf(untrustedMessages);
  if (untrusted.length > MAX_MESSAGES) {
    return { expected: `at most ${MAX_MESSAGES} messages in one request` };
  }
  const byIndex = new Map<number, ParsedMessage>();
  for (const [at, { json, text }] of untrusted.entries()) {
    const index = messageIndex(json);
    if (index === null) {
      return { expected: `messages[${at}].index to be an integer from 1` };
    }
    // The first of an index is the message, as it would be had they come one after the other.
    if (byIndex.has(index)) continue;
    const joined = joinedBy(json, index);
    byIndex.set(index, { index, untrustedMessage: json, text, ...(joined !== null && { joined }) });
  }
  return [...byIndex.values()];
}

/** The protocol talking about itself: answers to handshake, connect, subscribe (Bayeux protocol, meta channels). */
function isMeta(untrustedJson: unknown): boolean {
  return isJsonObject(untrustedJson) && typeof untrustedJson.channel === "string" &&
    untrustedJson.channel.startsWith("/meta/");
}

function unframed(untrusted: SpelledJson): SpelledJson {
  const { json } = untrusted;
  const isFramed = isJsonObject(json) && typeof json.channel === "string";
  return (isFramed ? memberOf(untrusted, "data") : null) ?? untrusted;
}

function refusal(
  what: string,
  expected: string,
  reason: RefusalReason = "unusable",
): ReadOutcome {
  return { ok: false, reason, message: `Cannot read ${what}: expected ${expected}` };
}
