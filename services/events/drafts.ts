import { createHash } from "node:crypto";
import type { EventData, EventDraft, SmsCandidate } from "../store/port/events.ts";
import { canonicalJson, membersOf, type SpelledMember } from "../support/spelled_json.ts";
import type { ParsedMessage, ParsedNotification } from "./notification.ts";

/** What a draft needs beside the notification itself. */
export interface DraftContext {
  /** `evt_` and a ULID. */
  readonly id: string;
  readonly nowMs: number;
  readonly textsAmong: TextsAmong;
}

/**
 * Picks the messages that may leave as SMS, as far as the messages themselves can tell (DESIGN §10). It picks none where
 * SMS is off.
 */
export type TextsAmong = (untrustedMessages: readonly unknown[]) => readonly SmsCandidate[];

/** A draft that does not say yet which webhooks it goes to. */
export type UnaddressedDraft = Omit<EventDraft, "webhooks" | "released"> & {
  readonly released?: UnaddressedDraft;
};

/**
 * The event that a notification becomes. Its data is `{"notification": …}`, with the notification as upstream spelled
 * it, less the white space between its tokens. The messages of a NewMessages are kept apart, so that the store can leave out those that the session has seen.
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
    return {
      ...common,
      data: messagesData(notification, messages),
      ...joinedIn(messages),
      smsMessages: context.textsAmong(messages.map(({ untrustedMessage }) => untrustedMessage)),
    };
  }
  const json = `{"notification":${notification.verbatim.text}}`;
  return {
    ...common,
    data: { kind: "object", json },
    stateHash: stateHash(notification),
    smsMessages: [],
  };
}

function joinedIn(messages: readonly ParsedMessage[]): Pick<EventDraft, "joined"> {
  const joined = messages.flatMap((message) => message.joined ?? []);
  return joined.length === 0 ? {} : { joined };
}

/** SHA-256, as hexadecimal digits, of the notification with its members in a fixed order. */
function stateHash({ verbatim }: ParsedNotification): string {
  return createHash("sha256").update(canonicalJson(verbatim.text)).digest("hex");
}

function messagesData(
  { verbatim }: ParsedNotification,
  messages: readonly ParsedMessage[],
): EventData {
  const members = membersOf(verbatim);
  const cut = members.findIndex(({ name }) => name === "messages");
  const spelled = ({ nameText, text }: SpelledMember) => `${nameText}:${text}`;
  const before = members.slice(0, cut).map((member) => `${spelled(member)},`).join("");
  const after = members.slice(cut + 1).map((member) => `,${spelled(member)}`).join("");
  return {
    kind: "messages",
    before: `{"notification":{${before}"messages":`,
    messages: messages.map(({ index, text }) => ({ index, json: text })),
    after: `${after}}}`,
  };
}
