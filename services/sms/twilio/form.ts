import type { InboundMedia } from "../provider.ts";

/** A text that a customer sent, as Twilio hands it over. */
export interface TwilioText {
  readonly messageSid: string;
  /** The customer: E.164 or a short code. */
  readonly from: string;
  /** The number of ours that was texted. */
  readonly to: string;
  /**
   * Whether `to` is `TWILIO_FROM`, or behind `TWILIO_MESSAGING_SERVICE_SID`. If not, it is ours only where a session texts from
   * that number.
   */
  readonly isToConfiguredSender: boolean;
  /** As it came. */
  readonly untrustedBody: string;
  /** At most {@link MAX_MEDIA}. */
  readonly media: readonly InboundMedia[];
  /** How many more there were. */
  readonly mediaLeftOut: number;
  /** Told by Advanced Opt-Out: how Twilio itself has understood the text. */
  readonly optOutType: OptOutType | null;
}

export type OptOutType = "STOP" | "START" | "HELP";

/** What Twilio says of a text of ours. */
export interface TwilioReport {
  readonly messageSid: string;
  readonly untrustedStatus: string;
  readonly errorCode: number | null;
  /** The customer, where it is told. */
  readonly to: string | null;
  /** The number of ours that it left from, where it is told. */
  readonly from: string | null;
}

/** What texts leave through: `TWILIO_FROM`, or `TWILIO_MESSAGING_SERVICE_SID`. */
export type ConfiguredSender =
  | { readonly from: string }
  | { readonly messagingServiceSid: string };

/** Whose texts are ours. */
export interface OwnAccount {
  readonly accountSid: string;
  readonly sender: ConfiguredSender;
}

/** Why a request with a good signature is refused all the same. The message holds no value: it may be a phone number. */
export interface FormFault {
  readonly ok: false;
  /** `foreign`: it is for another account or number. */
  readonly reason: "malformed" | "foreign";
  readonly message: string;
}

export type FormReading<T> = { readonly ok: true; readonly value: T } | FormFault;

/** Twilio takes and hands over no more per text (https://www.twilio.com/docs/messaging/guides/accepted-mime-types). */
export const MAX_MEDIA = 10;

/** https://www.twilio.com/docs/glossary/what-is-a-sid: SM for texts, MM for those with media. */
const MESSAGE_SID = /^(?:SM|MM)[0-9a-f]{32}$/;
/** ITU-T E.164 §6, or a short code, which customers may have too: other programs text with them. */
const NUMBER = /^(?:\+[1-9]\d{6,14}|\d{3,6})$/;

/**
 * A form's fields for the signature check, as Twilio's own validator takes them. The object has no prototype: a field may be called
 * `__proto__`.
 */
export function fieldsOf(form: URLSearchParams): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = Object.create(null);
  for (const name of form.keys()) {
    const values = form.getAll(name);
    fields[name] = values.length === 1 ? values[0] ?? "" : values;
  }
  return fields;
}

/**
 * Reads an inbound text whose signature is good. The signed string has no borders: the same signature also fits a form
 * in which a field is repeated, the border between name and value is moved, or two fields are merged into one. So each field
 * that matters has to be there once and look as it must. Fields that are not known are let through: Twilio adds some
 * without notice.
 */
export function readInboundText(form: URLSearchParams, own: OwnAccount): FormReading<TwilioText> {
  const fault = accountFault(form, own) ?? numberFault(form, "From") ?? numberFault(form, "To") ??
    bodyFault(form);
  if (fault !== null) return fault;
  const media = mediaOf(form);
  return {
    ok: true,
    value: {
      messageSid: form.get("MessageSid") ?? "",
      from: form.get("From") ?? "",
      to: form.get("To") ?? "",
      isToConfiguredSender: isToSender(form, own.sender),
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
  const fault = accountFault(form, own) ?? maybeNumberFault(form, "To");
  if (fault !== null) return fault;
  const untrustedStatus = form.get("MessageStatus") ?? form.get("SmsStatus") ?? "";
  if (untrustedStatus === "") return malformed("expected MessageStatus to be there");
  const untrustedCode = form.get("ErrorCode") ?? "";
  const from = form.get("From");
  return {
    ok: true,
    value: {
      messageSid: form.get("MessageSid") ?? "",
      untrustedStatus,
      // Twilio writes 0 or nothing where nothing went wrong.
      errorCode: /^[1-9]\d{0,5}$/.test(untrustedCode) ? Number(untrustedCode) : null,
      to: form.get("To"),
      // A messaging service may send under a name, which nobody can answer or opt out of by number.
      from: from !== null && NUMBER.test(from) ? from : null,
    },
  };
}

function accountFault(form: URLSearchParams, { accountSid }: OwnAccount): FormFault | null {
  const names = [...form.keys()];
  if (new Set(names).size < names.length) return malformed("expected every field once");
  if (form.get("AccountSid")?.toLowerCase() !== accountSid.toLowerCase()) {
    return foreign("expected AccountSid to be that of TWILIO_ACCOUNT_SID");
  }
  return MESSAGE_SID.test(form.get("MessageSid") ?? "")
    ? null
    : malformed("expected MessageSid to be SM or MM and 32 hexadecimal digits");
}

function numberFault(form: URLSearchParams, name: "From" | "To"): FormFault | null {
  return NUMBER.test(form.get(name) ?? "")
    ? null
    : malformed(`expected ${name} to be an E.164 number or a short code of 3 to 6 digits`);
}

/** Twilio sends it for a picture without words too, so one that is missing has become part of something else. */
function bodyFault(form: URLSearchParams): FormFault | null {
  return form.has("Body") ? null : malformed("expected Body to be there");
}

function maybeNumberFault(form: URLSearchParams, name: "To"): FormFault | null {
  return form.has(name) ? numberFault(form, name) : null;
}

/** Any number behind our messaging service is ours; Twilio alone knows which they are. */
function isToSender(form: URLSearchParams, sender: ConfiguredSender): boolean {
  return "from" in sender
    ? form.get("To") === sender.from
    : form.get("MessagingServiceSid")?.toLowerCase() === sender.messagingServiceSid.toLowerCase();
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
  switch (untrustedType) {
    case "STOP":
    case "START":
    case "HELP":
      return untrustedType;
    default:
      return null;
  }
}

function malformed(message: string): FormFault {
  return { ok: false, reason: "malformed", message };
}

function foreign(message: string): FormFault {
  return { ok: false, reason: "foreign", message };
}
