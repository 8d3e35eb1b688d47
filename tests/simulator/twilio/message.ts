import type { Clock } from "../../../services/clock.ts";
import { type Random, randomHex } from "../kit/simulator.ts";
import type { CreateRequest } from "./create_message.ts";
import { countSegments } from "./segments.ts";

/** A message that Twilio has taken. */
export interface TwilioMessage {
  /** `SM` and 32 hexadecimal digits. */
  readonly sid: string;
  readonly to: string;
  readonly from: string | null;
  readonly messagingServiceSid: string | null;
  readonly body: string;
  readonly mediaUrls: readonly string[];
  /** Where its status changes are to be told. Nothing is sent there yet: that is for a module of its own. */
  readonly statusCallback: string | null;
  /** A Messaging Service accepts first and picks the sender later. */
  readonly status: "accepted" | "queued";
  readonly createdAtMs: number;
  /** Every field as it was posted. */
  readonly form: URLSearchParams;
}

/** The message that a good request makes. */
export function createMessage(
  { kind: _, ...request }: CreateRequest,
  form: URLSearchParams,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): TwilioMessage {
  return {
    ...request,
    sid: `SM${randomHex(random, 32)}`,
    status: request.from === null ? "accepted" : "queued",
    createdAtMs: clock.now(),
    form,
  };
}

/** The message as the API shows it. */
export function messageResource(
  accountSid: string,
  message: TwilioMessage,
): Record<string, unknown> {
  const uri = `/2010-04-01/Accounts/${accountSid}/Messages/${message.sid}`;
  const date = formatRfc2822(message.createdAtMs);
  return {
    account_sid: accountSid,
    api_version: "2010-04-01",
    body: message.body,
    date_created: date,
    date_sent: null,
    date_updated: date,
    direction: "outbound-api",
    error_code: null,
    error_message: null,
    from: message.from,
    messaging_service_sid: message.messagingServiceSid,
    num_media: String(message.mediaUrls.length),
    // With a Messaging Service Twilio counts later and says 0 here (its support pages explain it).
    num_segments: message.from === null ? "0" : String(countSegments(message.body)),
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
export function formatRfc2822(atMs: number): string {
  return new Date(atMs).toUTCString().replace(/GMT$/, "+0000");
}
