import type { TextOutcome } from "../store/port/text_outcome.ts";
import type { MessageStatus, StatusReport } from "./provider.ts";

/**
 * Reports come in any order and more than once, and carry no time. So statuses have ranks, and a text is where its highest
 * report has put it: whatever the order, it ends the same. A delivery outranks the failures, since that of a text in
 * several segments may be told after one of them has failed; among the failures the order means nothing.
 */
const RANKS: Readonly<Record<MessageStatus, number>> = {
  accepted: 0,
  queued: 1,
  sending: 2,
  sent: 3,
  canceled: 4,
  failed: 5,
  undelivered: 6,
  delivered: 7,
  read: 8,
};

type Outcome = "open" | "failed" | "delivered";

/** What is known of one message at the provider. */
export interface KnownMessage {
  readonly part: number;
  readonly status: MessageStatus;
  /** The first code that was told; a later report without one, or with another, does not change it. */
  readonly errorCode: number | null;
}

/** What is known of a text: its messages by SID. A part that was sent anew has two. */
export interface TextStatus {
  readonly messages: Readonly<Record<string, KnownMessage>>;
  /** The events that have been published. */
  readonly told: readonly ("failed" | "delivered")[];
}

/** A report that is understood, on one part of a text. */
export interface Report extends Pick<StatusReport, "messageSid" | "errorCode"> {
  readonly part: number;
  readonly parts: number;
  readonly status: MessageStatus;
}

export interface StatusChange {
  readonly next: TextStatus;
  /** What is to be published with it. */
  readonly event:
    | { readonly kind: "delivered"; readonly messageSid: string }
    | { readonly kind: "failed"; readonly messageSid: string; readonly errorCode: number | null }
    | null;
  /** The message was given up before and has been delivered all the same. */
  readonly upgraded: boolean;
}

/** Nothing is known of the text yet. */
export const NOTHING_KNOWN: TextStatus = { messages: {}, told: [] };

/** Where it is written down how far a text got. */
export function textStatusName(
  { deliveryId, sessionId }: { readonly deliveryId: string; readonly sessionId: string },
) {
  return { kind: "sms-status", key: deliveryId, near: sessionId } as const;
}

/** Reads what was written there; null: nothing was. */
export function readTextStatus(text: string | null): TextStatus {
  return text === null ? NOTHING_KNOWN : JSON.parse(text);
}

export function writeTextStatus(status: TextStatus): string {
  return JSON.stringify(status);
}

/**
 * Takes a report into account; null: it says nothing new. A text is delivered once each of its parts is, and has failed with
 * the first part that does; both are told once, and a failure is not told any more after the delivery.
 */
export function takeReport(text: TextStatus, report: Report): StatusChange | null {
  const { messageSid, part, status } = report;
  const before = text.messages[messageSid];
  const after: KnownMessage = {
    part,
    status: before === undefined || RANKS[status] > RANKS[before.status] ? status : before.status,
    errorCode: before?.errorCode ?? report.errorCode,
  };
  if (before?.status === after.status && before.errorCode === after.errorCode) return null;
  const messages = { ...text.messages, [messageSid]: after };
  const event = eventOf({ messages, told: text.told }, report);
  return {
    next: { messages, told: event === null ? text.told : [...text.told, event.kind] },
    event,
    upgraded: before !== undefined && outcomeOf(before.status) === "failed" &&
      outcomeOf(after.status) === "delivered",
  };
}

/** What is known of a text of so many parts: `delivered` once each of them is, `undelivered` with the first that is not. */
export function outcomeOfText(text: TextStatus, parts: number): TextOutcome {
  if (deliveredSids(text, parts).length === parts) return { kind: "delivered" };
  const failed = Object.values(text.messages)
    .filter(({ part }) => partOutcome(text, part) === "failed")
    .toSorted((a, b) => a.part - b.part);
  if (failed.length === 0) return { kind: "sent" };
  const errorCode = failed.find((message) => message.errorCode !== null)?.errorCode ?? null;
  return { kind: "undelivered", ...(errorCode !== null && { errorCode }) };
}

function eventOf(text: TextStatus, { messageSid, part, parts }: Report): StatusChange["event"] {
  if (text.told.includes("delivered")) return null;
  const delivered = deliveredSids(text, parts);
  const [first] = delivered;
  if (first !== undefined && delivered.length === parts) {
    return { kind: "delivered", messageSid: first };
  }
  if (text.told.includes("failed") || partOutcome(text, part) !== "failed") return null;
  return { kind: "failed", messageSid, errorCode: text.messages[messageSid]?.errorCode ?? null };
}

/** For each part that is delivered, in their order, the SID under which it was. */
function deliveredSids(text: TextStatus, parts: number): string[] {
  const delivered = Object.entries(text.messages)
    .filter(([, { status }]) => outcomeOf(status) === "delivered");
  return Array.from({ length: parts }, (_, index) => index + 1).flatMap((part) => {
    const found = delivered.find(([, message]) => message.part === part);
    return found === undefined ? [] : [found[0]];
  });
}

/** The best of the part's messages: one that is delivered or still under way outweighs one that failed. */
function partOutcome(text: TextStatus, part: number): Outcome {
  const outcomes = Object.values(text.messages)
    .filter((message) => message.part === part)
    .map(({ status }) => outcomeOf(status));
  if (outcomes.includes("delivered")) return "delivered";
  return outcomes.includes("open") ? "open" : "failed";
}

function outcomeOf(status: MessageStatus): Outcome {
  if (RANKS[status] >= RANKS.delivered) return "delivered";
  return RANKS[status] >= RANKS.canceled ? "failed" : "open";
}
