import type { Clock } from "../../services/support/clock.ts";
import type { InboxOwner } from "../kit/inbox.ts";
import type { Random } from "../kit/simulator.ts";
import { type CallHook, failureOf, type HookCall } from "./hook_caller.ts";
import { type MovingMessage, newSid, type TwilioMessage } from "./message.ts";
import type { OptOutBook, OptOutChange } from "./opt_out_book.ts";
import type { Media, MediaShelf } from "./media_shelf.ts";
import { countSegments } from "./segments.ts";
import type { Fields } from "./signature.ts";
import { readAnswer } from "./hook_answer.ts";

/** A text that a customer writes. */
export interface CustomerWrites {
  /** The customer: a number, a short code, a name, or another channel's address such as `whatsapp:+16505550100`. */
  readonly from: string;
  /** What of ours is texted, in the same forms; the configured number unless told otherwise. */
  readonly to?: string;
  readonly body?: string;
  /** Told of by the address given, or kept by Twilio and told of by the address there. */
  readonly media?: readonly (MediaElsewhere | Media)[];
  /** As Advanced Opt-Out tells it; with `advancedOptOut` it is told by itself. */
  readonly optOutType?: OptOutChange;
  /** The Messaging Service that our number belongs to. */
  readonly messagingServiceSid?: string;
  /** Of an earlier text: hands that one in again. A new one by default. */
  readonly sid?: string;
  /** Further fields, or other values for those that there are. */
  readonly fields?: Fields;
}

export interface MediaElsewhere {
  readonly url: string;
  readonly contentType: string;
}

/** What became of a text. */
export interface TextHandedIn {
  readonly messageSid: string;
  /** The request, or the one to the fallback URL after it. */
  readonly call: HookCall;
  /** Whether it was taken: answered 2xx. */
  readonly taken: boolean;
  /** What the customer's phone gets because of it. */
  readonly replies: readonly CustomerReply[];
  /** The number of the alert that Twilio's debugger would show; null: none. */
  readonly alert: number | null;
}

/** A text to a customer that nobody has created by the API. */
export interface CustomerReply {
  readonly to: string;
  readonly from: string;
  readonly body: string;
  /** `opt-out`: Twilio's own confirmation; `twiml`: asked for; `plain-text`: an answer that was hardly meant for the customer. */
  readonly why: "opt-out" | "opt-in" | "help" | "twiml" | "plain-text";
}

export interface InboundOptions {
  readonly accountSid: string;
  readonly settings: () => InboundSettings;
  readonly book: OptOutBook;
  readonly shelf: MediaShelf;
  readonly texts: InboxOwner<TwilioMessage>;
  readonly replies: InboxOwner<CustomerReply>;
  readonly callHook: CallHook;
  readonly clock: Clock;
  readonly random: Random;
}

export interface InboundSettings {
  /** Where texts are handed in; null: nowhere. */
  readonly inboundUrl: string | null;
  /** Where they are handed in when that fails. */
  readonly fallbackUrl: string | null;
  /** The number of ours that customers text. */
  readonly ownNumber: string;
  /** Texts are told with what Twilio has understood (`OptOutType`). */
  readonly advancedOptOut: boolean;
}

const OWN_REPLIES: Record<OptOutChange, Pick<CustomerReply, "why" | "body">> = {
  STOP: {
    why: "opt-out",
    body: "You will get no more messages from this number. Reply START to get them again.",
  },
  START: { why: "opt-in", body: "You get messages from this number again." },
  HELP: { why: "help", body: "Reply STOP to get no more messages." },
};

/** Twilio's alerts (https://www.twilio.com/docs/api/errors): the request failed; the answer is of a type that it does not take. */
const HTTP_RETRIEVAL_FAILURE = 11200;
const INVALID_CONTENT_TYPE = 12300;

/** Hands customers' texts in, as Twilio does. */
export function createInbound(options: InboundOptions) {
  const { accountSid, book, shelf, texts, replies, callHook, clock, random } = options;

  function addressesOf({ media = [] }: CustomerWrites): MediaElsewhere[] {
    return media.map((each) =>
      "url" in each ? each : { url: shelf.keep(each), contentType: each.contentType }
    );
  }

  function record(
    text: CustomerWrites,
    media: readonly MediaElsewhere[],
    to: string,
    sid: string,
  ): TwilioMessage {
    const message: MovingMessage = {
      sid,
      direction: "inbound",
      to,
      from: text.from,
      messagingServiceSid: text.messagingServiceSid ?? null,
      body: text.body ?? "",
      mediaUrls: media.map(({ url }) => url),
      statusCallback: null,
      status: "received",
      errorCode: null,
      createdAtMs: clock.now(),
      updatedAtMs: clock.now(),
      sentAtMs: clock.now(),
      form: new URLSearchParams(),
    };
    texts.add(message);
    return message;
  }

  async function handIn(fields: Fields): Promise<HookCall> {
    const { inboundUrl, fallbackUrl } = options.settings();
    if (inboundUrl === null) {
      throw new Error("Cannot hand a text in: expected an inbound URL to be set");
    }
    const call = await callHook("inbound", inboundUrl, fields);
    if (wasTaken(call) || fallbackUrl === null) return call;
    const about = { ErrorCode: String(HTTP_RETRIEVAL_FAILURE), ErrorUrl: inboundUrl };
    return await callHook("fallback", fallbackUrl, { ...fields, ...about });
  }

  return async function textIn(text: CustomerWrites): Promise<TextHandedIn> {
    const { ownNumber, advancedOptOut } = options.settings();
    const to = text.to ?? ownNumber;
    const known = texts.items.find(({ sid }) => sid === text.sid);
    const service = text.messagingServiceSid ?? null;
    const body = text.body ?? "";
    const change = known === undefined
      ? book.takeText({ customer: text.from, to, service, body })
      : null;
    const media = addressesOf(text);
    const message = known ?? record(text, media, to, text.sid ?? newSid(random));
    const understood = text.optOutType ?? (advancedOptOut ? change ?? undefined : undefined);
    const call = await handIn({
      ...inboundFields(accountSid, message, media),
      ...(understood !== undefined && { OptOutType: understood }),
      ...text.fields,
    });
    const { asked, alert } = answerOf(call);
    const phones = { to: message.from ?? "", from: message.to };
    const sent = [...(change === null ? [] : [OWN_REPLIES[change]]), ...asked]
      .map((reply): CustomerReply => ({ ...phones, ...reply }));
    for (const reply of sent) replies.add(reply);
    return { messageSid: message.sid, call, taken: wasTaken(call), replies: sent, alert };
  };
}

function wasTaken({ attempts }: HookCall): boolean {
  const last = attempts.at(-1);
  return last !== undefined && failureOf(last) === null;
}

function answerOf(call: HookCall) {
  const last = call.attempts.at(-1);
  if (last?.kind !== "answered" || failureOf(last) !== null) {
    return { asked: [], alert: HTTP_RETRIEVAL_FAILURE };
  }
  const read = readAnswer(last);
  return read.kind === "unreadable"
    ? { asked: [], alert: INVALID_CONTENT_TYPE }
    : { asked: read.replies, alert: null };
}

/** Names and the addresses of other channels are in no country. */
function isNumber(address: string | null): boolean {
  return /^\+\d+$/.test(address ?? "");
}

/** https://www.twilio.com/docs/messaging/guides/webhook-request */
function inboundFields(
  accountSid: string,
  { sid, from, to, body, messagingServiceSid }: TwilioMessage,
  media: readonly MediaElsewhere[],
): Fields {
  const mediaFields = media.flatMap(({ url, contentType }, index) => [
    [`MediaUrl${index}`, url],
    [`MediaContentType${index}`, contentType],
  ]);
  return {
    AccountSid: accountSid,
    ApiVersion: "2010-04-01",
    Body: body,
    From: from ?? "",
    ...(isNumber(from) && { FromCountry: "US" }),
    MessageSid: sid,
    NumMedia: String(media.length),
    NumSegments: String(countSegments(body)),
    SmsMessageSid: sid,
    SmsSid: sid,
    SmsStatus: "received",
    To: to,
    ...(isNumber(to) && { ToCountry: "US" }),
    ...(messagingServiceSid !== null && { MessagingServiceSid: messagingServiceSid }),
    ...Object.fromEntries(mediaFields),
  };
}
