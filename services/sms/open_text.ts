import { maskPhone } from "../support/log.ts";
import type { ClaimedDelivery } from "../store/port/deliveries.ts";
import { TOO_OLD_PROGRESS } from "../store/rules.ts";
import type { Customer } from "../store/port/sessions.ts";
import type { Fingerprints } from "../sealing/fingerprints.ts";
import { messageAt } from "../contact_centre/dialect/messages.ts";
import { smsPicture, smsText } from "./eligibility.ts";
import type { PhoneNumbers, UnreadableNumber } from "./phone.ts";
import {
  NO_TRIES,
  onNewLadder,
  type PartProgress,
  readProgress,
  type SmsProgress,
} from "./progress.ts";
import type { SmsSender } from "./provider.ts";
import { splitText } from "./split.ts";

/** A text that there is something to do for. */
export interface OpenText {
  readonly kind: "open";
  readonly sessionId: string;
  /** E.164. */
  readonly to: string;
  readonly sender: SmsSender;
  /** What each part says, in order. */
  readonly bodies: readonly string[];
  /** The address of a picture that the text is about; null: it is about none. */
  readonly picture: string | null;
  readonly progress: SmsProgress;
}

/** A text for which nothing is to be sent, with what is known of it. */
export type ClosedText = ClosedByItself | NobodysNumber | OtherNumber;

interface ClosedByItself {
  readonly kind:
    | "sent"
    /** It was judged too old as it came in. */
    | "older-than-mapping"
    /** The event no longer holds a message that may leave: its texts were expunged. */
    | "no-message"
    | "no-customer-number"
    | "too-long"
    /** There is nothing to be seen in it. */
    | "blank"
    /** A part may have left, and cannot be looked up any more. */
    | "lost";
  readonly progress: SmsProgress | null;
}

/** What was told as the customer's number is nobody's. */
interface NobodysNumber {
  readonly kind: "nobodys-number";
  readonly why: UnreadableNumber;
  readonly progress: SmsProgress | null;
}

/** The customer's number is not the one any more that the text was on its way to. */
interface OtherNumber {
  readonly kind: "number-changed";
  /** A part may have left for the number before. */
  readonly inDoubt: boolean;
  readonly progress: SmsProgress;
}

/** An open text in the hands of an attempt; its progress moves on. */
export interface TextUnderWay extends Omit<OpenText, "progress"> {
  readonly delivery: ClaimedDelivery;
  readonly signal: AbortSignal;
  readonly startedAtMs: number;
  progress: SmsProgress;
}

/** Puts together what there is to send, to whom, and how far earlier attempts have come. */
export async function openText(
  delivery: ClaimedDelivery,
  { defaultSender, fingerprints, numbers }: {
    readonly defaultSender: SmsSender;
    readonly fingerprints: Pick<Fingerprints, "isOf">;
    readonly numbers: Pick<PhoneNumbers, "read" | "toSender">;
  },
): Promise<OpenText | ClosedText> {
  if (delivery.progressJson === TOO_OLD_PROGRESS) {
    return { kind: "older-than-mapping", progress: null };
  }
  const progress = progressOf(delivery);
  if (progress === "unreadable") return { kind: "lost", progress: null };
  const begunParts = progress?.parts ?? [];
  const end = (kind: ClosedByItself["kind"]): ClosedText => ({ kind, progress });
  if (begunParts.length > 0 && begunParts.every(({ fate }) => fate.kind === "taken")) {
    return end("sent");
  }
  const inDoubt = begunParts.some(({ fate }) => fate.kind === "begun");
  const { sessionId } = delivery.event;
  const message = messageOf(delivery);
  const text = smsText(message);
  if (text === null || sessionId === null) return end(inDoubt ? "lost" : "no-message");

  const { customer } = delivery;
  if (customer === null) return end(inDoubt ? "lost" : "no-customer-number");
  const reading = await numbers.read(customer.phone);
  const to = reading.kind === "nobodys" ? null : reading.e164;
  if (progress !== null && !await mayGoTo(to, progress, fingerprints)) {
    const mayHaveLeft = inDoubt || begunParts.some(({ fate }) => fate.kind === "given-up");
    return { kind: "number-changed", inDoubt: mayHaveLeft, progress };
  }
  if (reading.kind === "nobodys") return { kind: "nobodys-number", why: reading.why, progress };

  const parts = begunParts.length > 0 ? begunParts : await planOf(text);
  if (typeof parts === "string") return end(parts);
  const sender = await stickySender(customer, numbers) ?? defaultSender;
  return {
    kind: "open",
    sessionId,
    to: reading.e164,
    sender,
    bodies: bodiesOf(text, parts),
    picture: smsPicture(message),
    progress: {
      parts,
      to: maskPhone(reading.e164),
      pin: progress?.pin,
      // A part in doubt was to leave from the sender of that time, and is looked up by it.
      sender: inDoubt && progress !== null ? progress.sender : maskedSender(sender),
      tries: progress?.tries ?? NO_TRIES,
    },
  };
}

/** One text, one phone: whether the text may go to this number, as far as it has gone to one before. Null: it is nobody's. */
async function mayGoTo(
  to: string | null,
  { parts, pin, to: masked }: SmsProgress,
  fingerprints: Pick<Fingerprints, "isOf">,
): Promise<boolean> {
  if (pin !== undefined) return to !== null && await fingerprints.isOf(to, pin);
  return parts.length === 0 || (to !== null && masked === maskPhone(to));
}

/** A sender as progress keeps it. */
export function maskedSender(sender: SmsSender): string {
  return "from" in sender ? maskPhone(sender.from) : sender.pool;
}

// The store counts attempts anew for a delivery that was made due by hand.
function progressOf({ progressJson, attempt, interrupted }: ClaimedDelivery) {
  const progress = readProgress(progressJson);
  if (progress === null || progress === "unreadable") return progress;
  return attempt === 1 && !interrupted ? onNewLadder(progress) : progress;
}

function messageOf({ event, messageIndex: wanted }: ClaimedDelivery): unknown {
  const data: { notification?: unknown } = JSON.parse(event.dataJson);
  return wanted === null ? undefined : messageAt(data.notification, wanted);
}

async function planOf(text: string): Promise<readonly PartProgress[] | "too-long" | "blank"> {
  const split = await splitText(text);
  return split.kind !== "parts" ? split.kind : split.parts.map(({ text, blankBefore }) => ({
    ...(blankBefore > 0 && { blankBefore }),
    length: text.length,
    fate: { kind: "waiting" },
  }));
}

function bodiesOf(text: string, parts: readonly PartProgress[]): string[] {
  let at = 0;
  return parts.map(({ blankBefore = 0, length }) => {
    at += blankBefore;
    return text.slice(at, at += length);
  });
}

/** The number that the customer texted, or that an integration named: DESIGN §10 puts it before the configured one. */
async function stickySender(
  { sender }: Customer,
  { toSender }: Pick<PhoneNumbers, "toSender">,
): Promise<SmsSender | null> {
  if (sender === null) return null;
  const from = await toSender(sender);
  return from === null ? null : { from };
}
