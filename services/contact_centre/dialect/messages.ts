import { isJsonObject, type JsonObject } from "../../support/json_object.ts";
import type { PersonJoined } from "../../store/port/events.ts";
import { upstreamTimeMs } from "./time.ts";

/** A message of a session's log, in our own terms. */
export interface SessionMessage {
  /** When it was written, in Unix milliseconds; null: upstream does not say, or not so that it can be read. */
  readonly sentAtMs: number | null;
  /** Who wrote it. `other`: the customer, a bot, a supervisor, or somebody of whom nothing is known. */
  readonly author: "agent" | "other";
  /** Who may see it. `some`: not everybody for sure. */
  readonly audience: "everybody" | "some";
  readonly content: MessageContent;
}

/** What a message says. `other`: something that is neither a text nor an address, such as a notice. */
export type MessageContent =
  | { readonly kind: "text"; readonly untrustedText: string }
  | { readonly kind: "url"; readonly untrustedUrl: string }
  | { readonly kind: "other" };

const OTHER: MessageContent = { kind: "other" };

/** Reads a message of a notification or of a session's log; null for what is no object. */
export function readMessage(untrustedMessage: unknown): SessionMessage | null {
  if (!isJsonObject(untrustedMessage)) return null;
  const { from, visibility } = untrustedMessage;
  return {
    sentAtMs: upstreamTimeMs(untrustedMessage),
    author: isJsonObject(from) && from.type === "Agent" ? "agent" : "other",
    audience: visibility === "All" && isAuthorVisible(from) ? "everybody" : "some",
    content: readContent(untrustedMessage),
  };
}

/** A message's 1-based index, by which it is known within its session; null when it has none. */
export function messageIndex(untrustedMessage: unknown): number | null {
  const index = isJsonObject(untrustedMessage) ? untrustedMessage.index : null;
  return typeof index === "number" && Number.isSafeInteger(index) && index > 0 ? index : null;
}

/** Who joined the session by this message; null where it says nothing of the kind. */
export function joinedBy(untrustedMessage: unknown, index: number): PersonJoined | null {
  if (!isJsonObject(untrustedMessage) || untrustedMessage.type !== "ParticipantJoined") return null;
  const { from } = untrustedMessage;
  const isAgent = isJsonObject(from) && from.type === "Agent";
  const atMs = upstreamTimeMs(untrustedMessage);
  return {
    index,
    ...(isAgent && typeof from.nickname === "string" && { agent: from.nickname }),
    ...(atMs !== null && { atMs }),
  };
}

/** The first message with this index in a notification of new messages; undefined where there is none. */
export function messageAt(untrustedNotification: unknown, index: number): unknown {
  const messages = isJsonObject(untrustedNotification) ? untrustedNotification.messages : null;
  if (!Array.isArray(messages)) return undefined;
  return messages.find((message: unknown) => messageIndex(message) === index);
}

/** Newer upstreams also tell who may see the author: a consulted or coaching agent is hidden from the customer. */
function isAuthorVisible(untrustedFrom: unknown): boolean {
  return isJsonObject(untrustedFrom) && (untrustedFrom.visibility ?? "All") === "All";
}

function readContent({ type, text, url }: JsonObject): MessageContent {
  if (type === "Text" && typeof text === "string") return { kind: "text", untrustedText: text };
  if (type === "PushUrl" && typeof url === "string") return { kind: "url", untrustedUrl: url };
  return OTHER;
}
