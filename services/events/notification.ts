import type { Observation } from "../store/port/events.ts";
import type { JsonObject } from "../support/json_object.ts";
import type { EventType } from "./event_types.ts";

/** What the contact centre says happened in a session, read and checked: ready to become an event. */
export interface ParsedNotification {
  readonly eventType: EventType;
  readonly sessionId: string;
  /** The notification, to be written out value for value: some of its numbers may be raw JSON values. */
  readonly verbatim: JsonObject;
  readonly observed: Observation;
  /** The messages of a NewMessages, each index once; null for every other notification. */
  readonly messages: readonly ParsedMessage[] | null;
}

/** One message of a NewMessages notification. */
export interface ParsedMessage {
  /** The message's number within its session: a positive safe integer. */
  readonly index: number;
  readonly untrustedMessage: unknown;
  /** The same message, to be written out like {@link ParsedNotification.verbatim}. */
  readonly verbatim: unknown;
}
