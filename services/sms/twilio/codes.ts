import type { ProviderCodes, SmsError, SmsErrorAction, SmsErrorClass } from "../provider.ts";

/**
 * What Twilio's error codes mean for a text that an agent has sent. The classes and their actions are this project's
 * reading of Twilio's error dictionary (https://www.twilio.com/docs/api/errors); codes that are not here exist and new
 * ones appear, so an unknown code is permanent and shown with its number.
 */

/** https://www.twilio.com/docs/api/errors: the codes that more is done about than telling what they mean. */
const OPTED_OUT = 21610;
const NOT_AUTHENTICATED = 20003;
const SUSPENDED = 30002;
export const TOO_MANY_REQUESTS = 20429;

export const TWILIO_CODES: ProviderCodes = {
  optedOut: OPTED_OUT,
  accountRefused: NOT_AUTHENTICATED,
  tooManyRequests: TOO_MANY_REQUESTS,
};

const ACTIONS: Readonly<Record<SmsErrorClass, SmsErrorAction>> = {
  A: "retry",
  B: "hold",
  C: "retry-later",
  D: "look-up",
  E: "fail",
  F: "fail",
  G: "fail",
  H: "alert-operator",
  I: "wait-a-day",
  unknown: "fail",
};

const CODES: Readonly<Record<number, readonly [Exclude<SmsErrorClass, "unknown">, string]>> = {
  [TOO_MANY_REQUESTS]: [
    "A",
    "Too many messages are being sent at once; this one is being tried again.",
  ],
  14107: ["A", "Texts are leaving too fast; this one is being tried again."],
  63017: ["A", "The account sends as fast as it is allowed to; this text is being tried again."],
  63018: ["A", "The channel sends as fast as it is allowed to; this text is being tried again."],
  21611: ["B", "Too many texts are already waiting to leave from this number."],
  30001: ["B", "The text waited too long in Twilio's full queue and was dropped."],
  30022: ["B", "The carrier takes no more texts from this number for the moment."],
  30003: ["C", "The customer's phone is switched off or out of reach."],
  30008: ["C", "The text was not delivered and the carrier gave no reason."],
  30017: ["C", "The carrier's network was too busy to deliver the text."],
  30410: ["C", "The carrier did not answer in time."],
  30500: ["C", "Something failed inside Twilio while the text was on its way."],
  30020: ["C", "Twilio had an internal fault and did not deliver the text."],
  30021: ["C", "A service inside Twilio failed and the text was not delivered."],
  20500: ["D", "Twilio failed in the middle, so it is not known whether the text left."],
  20503: ["D", "Twilio was not available, so it is not known whether the text left."],
  20504: ["D", "Twilio did not finish in time, so it is not known whether the text left."],
  21211: ["E", "The customer's phone number is not a valid one."],
  21612: ["E", "Texts cannot go from our number to the customer's number."],
  21614: ["E", "The customer's number belongs to no mobile phone."],
  21635: ["E", "The customer's number is a landline and cannot take texts."],
  30004: ["E", "The customer's phone or network refuses this text."],
  30005: ["E", "The customer's number is unknown or no longer in use."],
  30006: ["E", "The customer's number is a landline, or its carrier cannot be reached."],
  30011: ["E", "The customer's network does not take picture messages."],
  [OPTED_OUT]: ["F", "The customer has asked to receive no more texts."],
  30007: ["F", "The carrier filtered the text out as unwanted."],
  30038: ["F", "The text was blocked because it looks like a one-time password."],
  30610: ["F", "The text was held back because it is night where the customer is."],
  30640: ["F", "The customer's number is on a list of people who must not be texted."],
  30450: ["F", "The text was blocked as part of suspected fraud against this destination."],
  21602: ["G", "The text was empty."],
  21617: ["G", "The text is longer than the 1600 characters that fit one message."],
  21620: ["G", "The attached picture's address cannot be used."],
  21621: ["G", "Our number cannot send pictures."],
  21622: ["G", "Our account cannot send pictures."],
  21623: ["G", "The attached picture cannot be used."],
  30019: ["G", "The attached content is larger than the carrier allows."],
  30036: ["G", "The text could not be delivered in time and has expired; it may be sent again."],
  30044: ["G", "The text is too long for a trial account."],
  [NOT_AUTHENTICATED]: ["H", "Texts cannot be sent: Twilio does not accept our credentials."],
  21212: ["H", "Texts cannot be sent: our own number is not a valid one."],
  21603: ["H", "Texts cannot be sent: no number of ours is set to send from."],
  21604: ["H", "The text cannot be sent: it was handed over without the customer's number."],
  21606: ["H", "Texts cannot be sent: our number is not one that can text this customer."],
  21608: ["H", "The text cannot be sent: a trial account reaches only numbers that were verified."],
  21609: ["H", "Texts cannot be sent: the address for delivery reports is wrong."],
  21408: ["H", "The text cannot be sent: our account is not enabled for the customer's country."],
  21701: ["H", "Texts cannot be sent: the messaging service that is set does not exist."],
  21702: ["H", "Texts cannot be sent: the messaging service that is set is not available."],
  21703: ["H", "Texts cannot be sent: the messaging service has no number to send from."],
  21704: ["H", "Texts cannot be sent: the messaging service's pool of numbers is empty."],
  21705: ["H", "Texts cannot be sent: the messaging service that is set is not valid."],
  [SUSPENDED]: ["H", "Texts cannot be sent: our Twilio account is suspended."],
  30010: ["H", "The text was not sent because it costs more than our limit allows."],
  30018: [
    "H",
    "The text was not delivered: the customer's country wants our sender registered first.",
  ],
  30024: [
    "H",
    "The text was not delivered: the customer's carrier does not know our number as a sender.",
  ],
  30032: ["H", "Texts cannot be sent: our toll-free number has not been verified."],
  30034: ["H", "Texts cannot be sent: our number is not registered for business texting."],
  30023: ["I", "Our number has used up what it may send today."],
  30027: ["I", "The carrier takes no more texts from us today."],
};

/** Every code that is in the table. */
export const KNOWN_SMS_ERROR_CODES: readonly number[] = Object.keys(CODES).map(Number);

/** Twilio refuses the account itself, so every further text would fail alike: credentials, suspension. */
const STOPPING_CODES: ReadonlySet<number> = new Set([NOT_AUTHENTICATED, SUSPENDED]);
const UNAUTHORIZED = 401;

/** What a Twilio code means; null: Twilio refused without a code. `httpStatus` is that of the answer, where there was one. */
export function explainSmsError(code: number | null, httpStatus: number | null = null): SmsError {
  const [errorClass, sentence] = code === null
    ? ["unknown", "Twilio refused the text and gave no reason."] as const
    : CODES[code] ??
      ["unknown", `Twilio refused the text with code ${code}, which has no explanation here.`];
  return {
    class: errorClass,
    action: ACTIONS[errorClass],
    sentence,
    optedOut: code === OPTED_OUT,
    stopsSending: code === null ? httpStatus === UNAUTHORIZED : STOPPING_CODES.has(code),
  };
}
