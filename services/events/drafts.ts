import { createHash } from "node:crypto";
import { smsCandidates } from "../sms/eligibility.ts";
import type { EventData, EventDraft } from "../store/port/events.ts";
import { canonicalJson } from "../support/exact_json.ts";
import type { ParsedMessage, ParsedNotification } from "../contact_centre/dialect/notifications.ts";

/** What a draft needs beside the notification itself. */
export interface DraftContext {
  /** `evt_` and a ULID. */
  readonly id: string;
  readonly nowMs: number;
  /** False: no message is offered for sending to the customer. */
  readonly smsEnabled: boolean;
}

/** A draft whose webhooks are still to be found. */
export type UnaddressedDraft = Omit<EventDraft, "webhooks">;

/**
 * The event that a notification becomes. Its data is `{"notification": …}` with the notification value for value; of
 * NewMessages the messages are apart, so that the store can leave out those that the session has seen.
 */
export function draftFor(
  notification: ParsedNotification,
  context: DraftContext,
): UnaddressedDraft {
  const { eventType, sessionId, observed, messages } = notification;
  const common = {
    id: context.id,
    type: eventType,
    sessionId,
    occurredAtMs: context.nowMs,
    observed,
  };
  if (messages !== null) {
    const data = messagesData(notification, messages);
    return { ...common, data, smsMessages: context.smsEnabled ? smsOf(messages) : [] };
  }
  const json = `{"notification":${JSON.stringify(notification.verbatim)}}`;
  return {
    ...common,
    data: { kind: "object", json },
    stateHash: stateHash(notification),
    smsMessages: [],
  };
}

function smsOf(messages: readonly ParsedMessage[]) {
  return smsCandidates(messages.map(({ untrustedMessage }) => untrustedMessage));
}

/** SHA-256, as hexadecimal digits, of the notification with its members in a fixed order. */
function stateHash({ verbatim }: ParsedNotification): string {
  return createHash("sha256").update(canonicalJson(verbatim)).digest("hex");
}

function messagesData(
  { verbatim }: ParsedNotification,
  messages: readonly ParsedMessage[],
): EventData {
  const names = Object.keys(verbatim);
  const cut = names.indexOf("messages");
  const member = (name: string) => `${JSON.stringify(name)}:${JSON.stringify(verbatim[name])}`;
  const before = names.slice(0, cut).map((name) => `${member(name)},`).join("");
  const after = names.slice(cut + 1).map((name) => `,${member(name)}`).join("");
  return {
    kind: "messages",
    before: `{"notification":{${before}"messages":`,
    messages: messages.map(({ index, verbatim }) => ({ index, json: JSON.stringify(verbatim) })),
    after: `${after}}}`,
  };
}
