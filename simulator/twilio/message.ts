import type { Clock } from "../../services/support/clock.ts";
import { type Random, randomHex } from "../kit/simulator.ts";
import type { CreateRequest } from "./create_message.ts";
import { countSegments } from "./segments.ts";

/** How far a message has got; https://www.twilio.com/docs/messaging/api/message-resource#message-status-values. */
export type MessageStatus =
  | "accepted"
  | "queued"
  | "sending"
  | "sent"
  | "delivered"
  | "undelivered"
  | "failed"
  | "received";

/** A message that Twilio has taken, or that a customer sent. Its status changes with time. */
export interface TwilioMessage {
  /** `SM` and 32 hexadecimal digits. */
  readonly sid: string;
  readonly direction: "outbound-api" | "inbound";
  readonly to: string;
  /** Null: a Messaging Service has yet to pick one. */
  readonly from: string | null;
  readonly messagingServiceSid: string | null;
  readonly body: string;
  readonly mediaUrls: readonly string[];
  /** Where its status changes are to be told. */
  readonly statusCallback: string | null;
  readonly status: MessageStatus;
  /** Why it was not delivered. */
  readonly errorCode: number | null;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** When it left. */
  readonly sentAtMs: number | null;
  /** Every field as it was posted. */
  readonly form: URLSearchParams;
}

/** The same for those who move it on. */
export type MovingMessage = { -readonly [Name in keyof TwilioMessage]: TwilioMessage[Name] };

interface Making {
  readonly clock: Clock;
  readonly random: Random;
}

/** The message that a good request makes. */
export function createMessage(
  { kind: _, ...request }: CreateRequest,
  form: URLSearchParams,
  { clock, random }: Making,
): MovingMessage {
  return {
    ...request,
    sid: newSid(random),
    direction: "outbound-api",
    // A Messaging Service accepts first and picks the sender later.
    status: request.from === null ? "accepted" : "queued",
    errorCode: null,
    createdAtMs: clock.now(),
    updatedAtMs: clock.now(),
    sentAtMs: null,
    form,
  };
}

/** `SM` and 32 random hexadecimal digits. */
export function newSid(random: Random): string {
  return `SM${randomHex(random, 32)}`;
}

/** The message as the API shows it. */
export function messageResource(
  accountSid: string,
  message: TwilioMessage,
): Record<string, unknown> {
  const uri = `/2010-04-01/Accounts/${accountSid}/Messages/${message.sid}`;
  // With a Messaging Service Twilio counts later and says 0 at first (its support pages explain it).
  const isCounted = message.status !== "accepted";
  return {
    account_sid: accountSid,
    api_version: "2010-04-01",
    body: message.body,
    date_created: formatRfc2822(message.createdAtMs),
    date_sent: message.sentAtMs === null ? null : formatRfc2822(message.sentAtMs),
    date_updated: formatRfc2822(message.updatedAtMs),
    direction: message.direction,
    error_code: message.errorCode,
    error_message: null,
    from: message.from,
    messaging_service_sid: message.messagingServiceSid,
    num_media: String(message.mediaUrls.length),
    num_segments: isCounted ? String(countSegments(message.body)) : "0",
    price: null,
    price_unit: "USD",
    sid: message.sid,
    status: message.status,
    subresource_uris: { media: `${uri}/Media.json` },
    to: message.to,
    uri: `${uri}.json`,
  };
}

/** `Thu, 24 Aug 2023 05:01:45 +0000` */
function formatRfc2822(atMs: number): string {
  return new Date(atMs).toUTCString().replace(/GMT$/, "+0000");
}
