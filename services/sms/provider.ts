/**
 * Who carries texts between us and the customers' phones. Everything in this folder speaks to it in these terms; what the
 * provider itself calls things stands in its own folder. `composition/sms.ts` picks it.
 */
export interface SmsProvider {
  /** What people call it: for the log, the attempts and the sentences that agents read. */
  readonly name: string;
  /** Whom texts come from by configuration, where the number that the customer texted is not known. */
  readonly defaultSender: SmsSender;
  readonly codes: ProviderCodes;
  /**
   * Creates one message or none, and never throws for what the provider or the network does. Makes one HTTP request or none; a
   * second one, without the picture, only where the provider has refused the message because of it.
   */
  send(text: OutgoingText): Promise<SendResult>;
  /** Messages to one number, or the account's; never throws for what the provider or the network does. */
  list(request: ListRequest): Promise<Listing>;
  /**
   * Reads a request that hands over a customer's text. Throws a `PatchbayError` for one that the provider has not made, that
   * cannot be read, or that is for another account; the log says so too.
   */
  readInbound(request: Request): Promise<InboundText>;
  /** Reads a request that tells how far a text of ours got. Throws as {@link SmsProvider.readInbound} does. */
  readReport(request: Request): Promise<StatusReport>;
  /**
   * Reads what a customer sent beside words, while it is of a type and size that is relayed (`media_bounds.ts`). Never throws for
   * what the provider or the network does.
   */
  fetchMedia(request: MediaRequest): Promise<MediaReading>;
  /** How a customer's text that was taken is answered, so that the provider itself says nothing to the customer. */
  readonly inboundAnswer: { readonly body: string; readonly contentType: string };
  /** What an error code means; null: the text was refused without one. `httpStatus` is that of the answer, where there was one. */
  explain(code: number | null, httpStatus?: number | null): SmsError;
}

/** Where the provider's requests come in, behind `PUBLIC_URL`. */
export interface ProviderPaths {
  readonly inbound: string;
  readonly status: string;
}

/** The provider's own codes for what we may learn without an answer that names the code. */
export interface ProviderCodes {
  /** The customer wants no texts. */
  readonly optedOut: number;
  /** The account is not accepted. */
  readonly accountRefused: number;
  readonly tooManyRequests: number;
}

/** Who a text comes from: a number (E.164) or short code of ours, or a pool of numbers from which the provider takes one. */
export type SmsSender = { readonly from: string } | { readonly pool: string };

/** The sender as one word, as the ledger of opt-outs and the rate limit know it. */
export function senderName(sender: SmsSender): string {
  return "from" in sender ? sender.from : sender.pool;
}

/** A text on its way out. `to` is E.164; `body` goes out as it is. */
export interface OutgoingText {
  readonly to: string;
  readonly sender: SmsSender;
  readonly body: string;
  /** A picture to go with it, where the provider takes it; without it otherwise. */
  readonly mediaUrl?: string;
  /** What the provider's reports on it are to name. */
  readonly part: PartOfText;
  /** How long it may wait at the provider, in seconds; it is dropped there afterwards. */
  readonly validityPeriodS: number;
  /** Gives the send up: `not-sent` when nothing had begun, `ambiguous` afterwards. */
  readonly signal: AbortSignal;
}

/** Names one message of a text in our own terms. */
export interface PartOfText {
  readonly deliveryId: string;
  readonly sessionId: string;
  /** Counts from 1. */
  readonly part: number;
  /** How many parts the text has; the same in all of them. */
  readonly parts: number;
}

/** How a send ended. Reasons are for people and hold no text, no number and no secret. */
export type SendResult =
  /** The provider has it under the id `sid`; `status` is its own first word on it. */
  | { readonly kind: "taken"; readonly sid: string; readonly status: string }
  /** Refused: HTTP `status` 4xx, with the provider's code where it gave one. */
  | { readonly kind: "rejected"; readonly code: number | null; readonly status: number }
  /** Surely not processed: too many requests. `retryAfterMs` is what the provider asked for. */
  | { readonly kind: "rate-limited"; readonly retryAfterMs?: number }
  /** The provider may have taken it or not; `status` is the HTTP status where there was an answer. */
  | { readonly kind: "ambiguous"; readonly reason: string; readonly status?: number }
  /** It surely did not reach the provider. */
  | { readonly kind: "not-sent"; readonly reason: string };

export interface ListRequest {
  /** E.164; absent: the messages of the whole account. */
  readonly to?: string;
  readonly pageSize: number;
  readonly maxPages: number;
  /** For all pages together; each has the deadline of a send besides. */
  readonly withinMs?: number;
  readonly signal?: AbortSignal;
}

/** A message as the provider's list shows it. */
export interface ListedMessage {
  readonly sid: string;
  readonly from: string | null;
  /** The pool that its number was taken from, where it was one. */
  readonly pool: string | null;
  /** Text of ours, perhaps altered by the provider. */
  readonly body: string;
  /** False: one that a customer sent. */
  readonly outbound: boolean;
  /** By the provider's clock, in whole seconds. */
  readonly createdAtMs: number;
}

export type Listing =
  | {
    readonly kind: "listed";
    readonly messages: readonly ListedMessage[];
    /** False: there were more pages than were read. */
    readonly complete: boolean;
    /** How far the provider's clock is ahead of ours; null: it did not say. */
    readonly aheadMs: number | null;
  }
  /** `passing`: it may succeed later. `code` is the provider's, and `status` the HTTP status, where there was one. */
  | {
    readonly kind: "failed";
    readonly passing: boolean;
    readonly reason: string;
    readonly code: number | null;
    readonly status: number | null;
  };

/** A text that a customer sent. */
export interface InboundText {
  /** The provider's id of it. */
  readonly messageSid: string;
  /** The customer: E.164, a short code, a name, or the address of another channel such as `whatsapp:+16505550100`. */
  readonly from: string;
  /** What was texted, in the same forms. It is ours, whatever is configured. */
  readonly to: string;
  /** The pool that `to` belongs to, where it is told. */
  readonly pool: string | null;
  readonly untrustedText: string;
  readonly media: readonly InboundMedia[];
  /** How many more there were than are taken. */
  readonly mediaLeftOut: number;
  /** What the text asks for; null: nothing of the kind. */
  readonly wish: OptOutWish | null;
}

/** What a customer sent beside words. */
export interface InboundMedia {
  /** Where the provider keeps it. */
  readonly url: string;
  readonly contentType: string | null;
}

export interface MediaRequest {
  /** As the provider's request has named it ({@link InboundMedia.url}). */
  readonly url: string;
  readonly method: "GET" | "HEAD";
  /** One range of bytes, as a `Range` header has it (RFC 9110 §14.2); null: the whole. */
  readonly range: string | null;
  readonly signal: AbortSignal;
}

/** How reading media ended. Reasons are for the log and hold no address. */
export type MediaReading =
  | MediaRead
  /** The provider has it no more, or it is none that is relayed. */
  | { readonly kind: "not-there"; readonly reason: string }
  /** Nothing is at the range that was asked for. `contentRange` tells the whole length; null: it was not told. */
  | { readonly kind: "out-of-range"; readonly contentRange: string | null }
  /** It may succeed later. */
  | { readonly kind: "failed"; readonly timedOut: boolean; readonly reason: string };

export interface MediaRead {
  readonly kind: "read";
  /** Without parameters. */
  readonly contentType: string;
  /** In bytes, of what is read; null: it was not told. */
  readonly length: number | null;
  /** `Content-Range` of a part; null: it is the whole. */
  readonly contentRange: string | null;
  /** Null after HEAD. */
  readonly body: Uint8Array<ArrayBuffer> | null;
}

/** A customer wants no more texts, or wants them again, or wants to be told how this works. */
export type OptOutWish = "out" | "in" | "help";

/** What the provider says of a text of ours. */
export interface StatusReport {
  readonly messageSid: string;
  /** Null: it is none that a text of ours can have. */
  readonly status: MessageStatus | null;
  /** The provider's own word for it. */
  readonly untrustedStatus: string;
  readonly errorCode: number | null;
  /** The customer, where it is told. */
  readonly to: string | null;
  /** What it left from, where it is told. */
  readonly from: string | null;
  /** The pool that this belongs to, where it is told. */
  readonly pool: string | null;
  /** As it was named when it was sent; null: not by us. */
  readonly subject: PartOfText | null;
}

/**
 * How far a message has got. On its way: `accepted` by the provider, `queued`, `sending`, `sent` to the carrier. Not
 * delivered: `canceled`, `failed`, `undelivered`. Delivered: `delivered`, `read`.
 */
export type MessageStatus =
  | "accepted"
  | "queued"
  | "sending"
  | "sent"
  | "canceled"
  | "failed"
  | "undelivered"
  | "delivered"
  | "read";

/**
 * - `A` the provider did not process the request, which may be repeated at once
 * - `B` the sender's queue is full
 * - `C` perhaps passing, told after the provider had taken the text
 * - `D` nobody knows whether the text left
 * - `E` the recipient cannot be texted
 * - `F` consent or policy forbids it
 * - `G` the content cannot be sent
 * - `H` our own set-up is wrong: an operator must act
 * - `I` the day's allowance is used up
 */
export type SmsErrorClass = "A" | "B" | "C" | "D" | "E" | "F" | "G" | "H" | "I" | "unknown";

/**
 * What a class asks for. Of the answers to a send `retry` and `hold` have the text tried again, `look-up` and `alert-operator`
 * are acted on, and the others end the text there: a refusal that does not pass within minutes is the agent's to know.
 */
export type SmsErrorAction =
  | "retry"
  | "hold"
  | "retry-later"
  | "look-up"
  | "fail"
  | "alert-operator"
  | "wait-a-day";

/** Whether a text is tried again that was refused so: it surely was not taken, and soon may be. */
export function passesSoon(action: SmsErrorAction): boolean {
  return action === "retry" || action === "hold";
}

export interface SmsError {
  readonly class: SmsErrorClass;
  readonly action: SmsErrorAction;
  /** One sentence for the agent. */
  readonly sentence: string;
  /** The customer wants no texts from this sender. */
  readonly optedOut: boolean;
  /** The account itself is refused: every further text would fail alike until an operator has acted. */
  readonly stopsSending: boolean;
}
