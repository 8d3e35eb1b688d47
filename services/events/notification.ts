import type { Observation, PersonJoined } from "../store/port/events.ts";
import type { JsonText, SpelledJson } from "../support/spelled_json.ts";
import type { EventType } from "./event_types.ts";

/** What the contact centre says happened in a session, read and checked: ready to become an event. */
export interface ParsedNotification {
  readonly eventType: EventType;
  readonly sessionId: string;
  /** The notification as upstream spelled it: an object, with each member once. */
  readonly verbatim: SpelledJson;
  readonly observed: Observation;
  /** The messages of a NewMessages, each index once; null for every other notification. */
  readonly messages: readonly ParsedMessage[] | null;
}

/** One message of a NewMessages notification. */
export interface ParsedMessage {
  /** The message's number within its session: a positive safe integer. */
  readonly index: number;
  readonly untrustedMessage: unknown;
  /** The same message as upstream spelled it. */
  readonly text: JsonText;
  /** Absent: it is no message that says who joined. */
  readonly joined?: PersonJoined;
}
