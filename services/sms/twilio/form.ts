import type { InboundMedia } from "../provider.ts";

/** A text that a customer sent, as Twilio hands it over. */
export interface TwilioText {
  readonly messageSid: string;
  /** The customer, by any address that Twilio knows: E.164, a short code, a name, `whatsapp:…`, `rcs:…`. */
  readonly from: string;
  /** Ours, in the same forms. Whatever Twilio signs for our account is. */
  readonly to: string;
  /** The messaging service that `to` belongs to, where it is told. */
  readonly messagingServiceSid: string | null;
  /** As it came. */
  readonly untrustedBody: string;
  /** At most {@link MAX_MEDIA}. */
  readonly media: readonly InboundMedia[];
  /** How many more there were. */
  readonly mediaLeftOut: number;
  /** Told by Advanced Opt-Out: how Twilio itself has understood the text. */
  readonly optOutType: OptOutType | null;
}

const OPT_OUT_TYPES = ["STOP", "START", "HELP"] as const;
export type OptOutType = typeof OPT_OUT_TYPES[number];

/** What Twilio says of a text of ours. */
export interface TwilioReport {
  readonly messageSid: string;
  readonly untrustedStatus: string;
  readonly errorCode: number | null;
  /** The customer, where it is told. */
  readonly to: string | null;
  /** What it left from, where it is told. */
  readonly from: string | null;
  readonly messagingServiceSid: string | null;
}

/** What texts leave through: `TWILIO_FROM`, or `TWILIO_MESSAGING_SERVICE_SID`. */
export type ConfiguredSender =
  | { readonly from: string }
  | { readonly messagingServiceSid: string };

/** Whose texts are ours. */
export interface OwnAccount {
  readonly accountSid: string;
}

/** Why a request with a good signature is refused all the same. The message holds no value: it may be a phone number. */
export interface FormFault {
  readonly ok: false;
  /** `foreign`: it is for another account. */
  readonly reason: "malformed" | "foreign";
  readonly message: string;
}

export type FormReading<T> = { readonly ok: true; readonly value: T } | FormFault;

/** Twilio's own forms have some 20 to 40. */
export const MAX_FIELDS = 100;

/** Twilio takes and hands over no more per text (https://www.twilio.com/docs/messaging/guides/accepted-mime-types). */
export const MAX_MEDIA = 10;

/** https://www.twilio.com/docs/glossary/what-is-a-sid: SM for texts, MM for those with media. */
const MESSAGE_SID = /^(?:SM|MM)[0-9a-f]{32}$/;
const MESSAGING_SERVICE_SID = /^MG[0-9a-fA-F]{32}$/;
/** Far more than any channel's address has. */
const LONGEST_ADDRESS = 320;
/** https://www.twilio.com/docs/glossary/what-alphanumeric-sender-id */
const LONGEST_NAME = 11;
/** An address of another channel than SMS (https://www.twilio.com/docs/messaging/channels), such as `whatsapp:+16505550100`. */
const CHANNEL_ADDRESS = /^[a-z][a-z0-9]*:./;
/** A number with letters behind it: what becomes of `From` when the border to the next field is moved. */
const RUN_ON_NUMBER = /^(?:(?:[a-z][a-z0-9]*:)?\+)?\d+\p{L}/u;

/**
 * A form's fields for the signature check, as Twilio's own validator takes them: at most {@link MAX_FIELDS}, each of them
 * once. Anybody may have sent them, so they are gone through once and given up at the first fault. The object has no
 * prototype: a field may be called `__proto__`.
 */
export function fieldsOf(form: Iterable<[string, string]>): FormReading<Record<string, string>> {
  const fields: Record<string, string> = Object.create(null);
  let count = 0;
  for (const [name, value] of form) {
    if (name in fields) return malformed("expected every field once");
    fields[name] = value;
    if (++count > MAX_FIELDS) return malformed(`expected at most ${MAX_FIELDS} fields`);
  }
  return { ok: true, value: fields };
}

/**
 * Reads an inbound text whose signature is good and whose fields come once each ({@link fieldsOf}). The signed string has no
 * borders: the same signature also fits a form in which a field is repeated, the border between name and value is moved, or
 * two fields are merged into one. So each field that matters has to be there and look as it must. Nothing else is refused, as Twilio would not repeat it: not the
 * number of ours, which is ours by our account's signature, nor a sender of whatever kind. Fields that are not known are let
 * through: Twilio adds some without notice.
 */
export function readInboundText(form: URLSearchParams, own: OwnAccount): FormReading<TwilioText> {
  const fault = accountFault(form, own) ?? addressFault(form, "From") ??
    addressFault(form, "To") ?? bodyFault(form);
  if (fault !== null) return fault;
  const media = mediaOf(form);
  return {
    ok: true,
    value: {
      messageSid: form.get("MessageSid") ?? "",
      from: form.get("From") ?? "",
      to: form.get("To") ?? "",
      messagingServiceSid: messagingServiceSidIn(form),
      untrustedBody: form.get("Body") ?? "",
      media: media.slice(0, MAX_MEDIA),
      mediaLeftOut: Math.max(0, media.length - MAX_MEDIA),
      optOutType: optOutTypeOf(form.get("OptOutType")),
    },
  };
}

/**
 * Reads a status report whose signature is good, with the same care. Which number it left from is not compared with ours: a
 * text leaves from the number that the customer had texted, and the callback's URL names our own delivery.
 */
export function readStatusReport(
  form: URLSearchParams,
  own: OwnAccount,
): FormReading<TwilioReport> {
  const fault = accountFault(form, own) ??
    (form.has("To") ? addressFault(form, "To") : null);
  if (fault !== null) return fault;
  const untrustedStatus = form.get("MessageStatus") ?? form.get("SmsStatus") ?? "";
  if (untrustedStatus === "") return malformed("expected MessageStatus to be there");
  const untrustedCode = form.get("ErrorCode") ?? "";
  return {
    ok: true,
    value: {
      messageSid: form.get("MessageSid") ?? "",
      untrustedStatus,
      // Twilio writes 0 or nothing where nothing went wrong.
      errorCode: /^[1-9]\d{0,5}$/.test(untrustedCode) ? Number(untrustedCode) : null,
      to: form.get("To"),
      from: form.get("From") || null,
      messagingServiceSid: messagingServiceSidIn(form),
    },
  };
}

function accountFault(form: URLSearchParams, { accountSid }: OwnAccount): FormFault | null {
  if (form.get("AccountSid")?.toLowerCase() !== accountSid.toLowerCase()) {
    return foreign("expected AccountSid to be that of TWILIO_ACCOUNT_SID");
  }
  return MESSAGE_SID.test(form.get("MessageSid") ?? "")
    ? null
    : malformed("expected MessageSid to be SM or MM and 32 hexadecimal digits");
}

function addressFault(form: URLSearchParams, name: "From" | "To"): FormFault | null {
  return isAddress(form.get(name) ?? "")
    ? null
    : malformed(`expected ${name} to be a number, a short code, a name or a channel's address`);
}

function isAddress(untrustedText: string): boolean {
  if (untrustedText.trim() === "" || untrustedText.length > LONGEST_ADDRESS) return false;
  if (/\p{Cc}/u.test(untrustedText)) return false;
  return untrustedText.length <= LONGEST_NAME || !RUN_ON_NUMBER.test(untrustedText);
}

/**
 * Twilio sends it for a picture without words too, so one that is missing from an SMS has become part of something else. Other
 * channels have messages without.
 */
function bodyFault(form: URLSearchParams): FormFault | null {
  const isOtherChannel = CHANNEL_ADDRESS.test(form.get("From") ?? "");
  return form.has("Body") || isOtherChannel ? null : malformed("expected Body to be there");
}

function messagingServiceSidIn(form: URLSearchParams): string | null {
  const sid = form.get("MessagingServiceSid") ?? "";
  return MESSAGING_SERVICE_SID.test(sid) ? sid : null;
}

/** Counted by what is there and not by `NumMedia`: fewer would be lost if the two should ever differ. */
function mediaOf(form: URLSearchParams): InboundMedia[] {
  const media: InboundMedia[] = [];
  for (let index = 0;; index++) {
    const url = form.get(`MediaUrl${index}`);
    if (url === null || url === "") return media;
    media.push({ url, contentType: form.get(`MediaContentType${index}`) });
  }
}

function optOutTypeOf(untrustedType: string | null): OptOutType | null {
  const type = untrustedType?.trim().toUpperCase();
  return OPT_OUT_TYPES.find((known) => known === type) ?? null;
}

function malformed(message: string): FormFault {
  return { ok: false, reason: "malformed", message };
}

function foreign(message: string): FormFault {
  return { ok: false, reason: "foreign", message };
}
